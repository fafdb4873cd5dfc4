import type { Key, Page, Revision, TenantId } from "../../store/store.ts";
import { findCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { rangeOf, recordKey } from "../keys.ts";

export interface ListRecords {
  readonly collection: string;
  readonly idPrefix: string;
  readonly limit: number;
  readonly at: Revision;
  /** `next` of the page before. */
  readonly start: Key | undefined;
}

export async function listRecords(context: CorpusContext, tenant: TenantId, list: ListRecords): Promise<Page> {
  const collection = await findCollection(context, tenant, list.collection);
  const { start, end } = rangeOf(recordKey(collection, list.idPrefix));
  return context.store.scan(tenant, { start: list.start ?? start, end }, { at: list.at, limit: list.limit });
}
