import { retryAborted } from "../../store/retry-aborted.ts";
import type { Mutation, Revision, TenantId } from "../../store/store.ts";
import { findCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { existingRecords, recordKeys } from "../corpus/existing-records.ts";
import { touchedKey } from "../keys.ts";

export interface Deleted {
  /** The commit, or the head where nothing had to change. */
  readonly revision: Revision;
  readonly deletedCount: number;
}

export async function deleteRecords(
  context: CorpusContext,
  tenant: TenantId,
  collectionName: string,
  ids: readonly string[],
): Promise<Deleted> {
  const collection = await findCollection(context, tenant, collectionName);
  const keys = recordKeys(collection, ids);
  return retryAborted(async () => {
    const { revision } = await context.store.head(tenant);
    const existing = await existingRecords(context.store, tenant, keys, revision);
    if (existing.size === 0) return { revision, deletedCount: 0 };
    const entries = [...existing.values()];
    const mutations: Mutation[] = entries.map(({ key }) => ({ delete: key }));
    mutations.push({ put: touchedKey(collection), value: new Uint8Array() });
    const head = await context.store.commit(tenant, mutations, entries);
    return { revision: head.revision, deletedCount: existing.size };
  });
}
