import type {
  PutSignaturePolicyRequest,
  PutSignaturePolicyResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { putSignaturePolicy as command } from "../commands/put-signature-policy.ts";
import type { RegistryContext } from "../context.ts";
import { normalisePolicy } from "../signatures/policy.ts";

type Handler = (request: PutSignaturePolicyRequest, call: Call) => Promise<PutSignaturePolicyResponse>;

export function putSignaturePolicy(context: RegistryContext): Handler {
  return async ({ policy, expectedRevision }, { caller }) => {
    if (policy === undefined) throw fieldInvalid("policy", "", "a policy");
    return command(context, caller, { policy: normalisePolicy(policy), expectedRevision });
  };
}
