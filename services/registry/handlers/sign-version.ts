import type {
  SignVersionRequest,
  SignVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { signVersion as command } from "../commands/sign-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: SignVersionRequest, call: Call) => Promise<SignVersionResponse>;

export function signVersion(context: RegistryContext): Handler {
  return async ({ version, signatureBundleJson }, { caller }) => {
    const reference = parseVersionReference(version);
    if (signatureBundleJson === "") throw fieldInvalid("signature_bundle_json", "", "a signature bundle");
    return { version: await command(context, caller.tenant, reference, signatureBundleJson) };
  };
}
