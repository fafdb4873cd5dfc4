import type { SignaturePolicy } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { StoredSignaturePolicy } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import type { RegistryContext } from "../context.ts";
import { signaturePolicyKey } from "../keys.ts";

/** Replaces the tenant's policy by one that was checked. */
export async function putSignaturePolicy(
  { store, clock }: RegistryContext,
  { tenant, tokenId }: Caller,
  policy: SignaturePolicy,
): Promise<SignaturePolicy> {
  const stored: StoredSignaturePolicy = { policy, actor: tokenId, updateTimeMicros: clock.now() };
  await store.commit(tenant, [{ put: signaturePolicyKey, value: StoredSignaturePolicy.encode(stored).finish() }]);
  return policy;
}
