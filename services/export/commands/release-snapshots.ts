import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { holderKey } from "../keys.ts";
import { releaseSnapshot } from "../snapshot/holds.ts";

/** Ends all holds of a holder, one after the other: a call that was broken off is repeated. */
export async function releaseSnapshots(context: ExportContext, tenant: TenantId, holder: string): Promise<void> {
  const prefix = holderKey(holder, new Uint8Array());
  for await (const { key } of entries(context.store, tenant, prefixRange(prefix))) {
    await release(context, tenant, holder, key.subarray(prefix.length));
  }
}

function release(
  { store, clock, runTurns }: ExportContext,
  tenant: TenantId,
  holder: string,
  snapshot: Uint8Array,
): Promise<unknown> {
  const attempt = async (): Promise<void> => {
    const { mutations, expectations } = await releaseSnapshot(store, tenant, snapshot, holder, clock.now());
    await store.commit(tenant, mutations, expectations);
  };
  return runTurns.hold(tenant, () => retryAborted(attempt));
}
