import { retryAborted } from "../../store/retry-aborted.ts";
import type { Head, TenantId } from "../../store/store.ts";
import type { CheckedRecord } from "../corpus/check-record.ts";
import { ensureCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { planWrites } from "../corpus/plan-writes.ts";

export interface Upserted {
  /** The commit, or the head where nothing had to change. */
  readonly head: Head;
  readonly unchangedCount: number;
}

export async function upsertRecords(
  context: CorpusContext,
  tenant: TenantId,
  collectionName: string,
  records: readonly CheckedRecord[],
): Promise<Upserted> {
  const collection = await ensureCollection(context, tenant, collectionName);
  return retryAborted(async () => {
    const { head, mutations, expectations, unchangedCount } = await planWrites(context, tenant, collection, records);
    if (mutations.length === 0) return { head, unchangedCount };
    return { head: await context.store.commit(tenant, mutations, expectations), unchangedCount };
  });
}
