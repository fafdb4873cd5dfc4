import type {
  VerifyVersionRequest,
  VerifyVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { verifyVersion as command } from "../commands/verify-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: VerifyVersionRequest, call: Call) => Promise<VerifyVersionResponse>;

export function verifyVersion(context: RegistryContext): Handler {
  return async ({ version }, { caller, signal }) => {
    return command(context, caller, parseVersionReference(version), signal);
  };
}
