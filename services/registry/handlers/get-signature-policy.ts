import type {
  GetSignaturePolicyRequest,
  GetSignaturePolicyResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import type { RegistryContext } from "../context.ts";
import { findPolicy } from "../signatures/policy.ts";

type Handler = (request: GetSignaturePolicyRequest, call: Call) => Promise<GetSignaturePolicyResponse>;

export function getSignaturePolicy(context: RegistryContext): Handler {
  return (_, { caller }) => findPolicy(context, caller.tenant);
}
