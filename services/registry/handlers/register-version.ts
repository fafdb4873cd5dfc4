import type {
  RegisterVersionRequest,
  RegisterVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRegisterFields } from "../adapters/register-fields.ts";
import { registerVersion as command } from "../commands/register-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: RegisterVersionRequest, call: Call) => Promise<RegisterVersionResponse>;

export function registerVersion(context: RegistryContext): Handler {
  return async (request, { caller, signal }) => {
    checkRegisterFields(request);
    return { version: await command(context, caller, request, signal) };
  };
}
