import type {
  QuarantineVersionRequest,
  QuarantineVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkReason } from "../adapters/check-fields.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { quarantineVersion as command } from "../commands/quarantine-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: QuarantineVersionRequest, call: Call) => Promise<QuarantineVersionResponse>;

export function quarantineVersion(context: RegistryContext): Handler {
  return async ({ version, reason }, { caller }) => {
    const reference = parseVersionReference(version);
    checkReason(reason, true);
    return { version: await command(context, caller, reference, reason) };
  };
}
