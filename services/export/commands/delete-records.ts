import { retryAborted } from "../../store/retry-aborted.ts";
import type { Revision, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { findCollection } from "../corpus/collections.ts";
import { deletionChanges } from "../corpus/deletions.ts";
import { existingRecords, recordKeys } from "../corpus/existing-records.ts";
import { touchedKey } from "../keys.ts";

export interface Deleted {
  /** The commit, or the head where nothing had to change. */
  readonly revision: Revision;
  readonly deletedCount: number;
}

export async function deleteRecords(
  context: ExportContext,
  tenant: TenantId,
  collectionName: string,
  ids: readonly string[],
): Promise<Deleted> {
  const collection = await findCollection(context, tenant, collectionName);
  const attempt = (): Promise<Deleted> => deleteExisting(context, tenant, collection, ids);
  return context.deletionTurns.take(`${tenant}/${collection}`, () => retryAborted(attempt));
}

async function deleteExisting(
  { store }: ExportContext,
  tenant: TenantId,
  collection: number,
  ids: readonly string[],
): Promise<Deleted> {
  const { revision } = await store.head(tenant);
  const existing = await existingRecords(store, tenant, recordKeys(collection, ids), revision);
  if (existing.size === 0) return { revision, deletedCount: 0 };
  const records = [...existing.values()];
  const kept = await deletionChanges(store, tenant, collection, records);
  const head = await store.commit(
    tenant,
    [
      ...records.map(({ key }) => ({ delete: key })),
      { put: touchedKey(collection), value: new Uint8Array() },
      ...kept.mutations,
    ],
    [...records, ...kept.expectations],
  );
  return { revision: head.revision, deletedCount: existing.size };
}
