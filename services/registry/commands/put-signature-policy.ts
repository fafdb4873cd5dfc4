import { SignaturePolicy } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { StoredSignaturePolicy } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Revision } from "../../store/store.ts";
import { revisionConflict } from "../adapters/adapter-errors.ts";
import type { RegistryContext } from "../context.ts";
import { signaturePolicyKey } from "../keys.ts";
import { findPolicy, type KeptPolicy } from "../signatures/policy.ts";

export interface PutSignaturePolicy {
  /** It was checked. */
  readonly policy: SignaturePolicy;
  /** What the policy's revision must be, 0 for none; not checked where absent. */
  readonly expectedRevision: Revision | undefined;
}

/** Replaces the tenant's policy; what is there already is written no second time, whatever revision is expected. Rejects with CONFLICT. */
export function putSignaturePolicy(
  context: Pick<RegistryContext, "store" | "clock">,
  { tenant, tokenId }: Caller,
  { policy, expectedRevision }: PutSignaturePolicy,
): Promise<KeptPolicy> {
  const { store, clock } = context;
  return retryAborted(async () => {
    const kept = await findPolicy(context, tenant);
    if (kept.revision !== 0n && isSame(kept.policy, policy)) return kept;
    if (expectedRevision !== undefined && expectedRevision !== kept.revision) {
      throw revisionConflict("The signature policy", expectedRevision, kept.revision);
    }
    const stored: StoredSignaturePolicy = { policy, actor: tokenId, updateTimeMicros: clock.now() };
    const put = { put: signaturePolicyKey, value: encoded(StoredSignaturePolicy, stored) };
    const { revision } = await store.commit(tenant, [put], [{ key: signaturePolicyKey, revision: kept.revision }]);
    return { policy, revision };
  });
}

function isSame(one: SignaturePolicy, other: SignaturePolicy): boolean {
  return Buffer.compare(encoded(SignaturePolicy, one), encoded(SignaturePolicy, other)) === 0;
}
