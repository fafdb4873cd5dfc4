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
  const range = { start: list.start ?? start, end };
  return cutToMessage(await context.store.scan(tenant, range, { at: list.at, limit: list.limit }));
}

/** What a gRPC client takes unless told otherwise, less room for the page token. */
const messageBytes = 4 * 1024 * 1024 - 1024;

/** More than a record's message has beyond its key and value. */
const overheadBytes = 100;

/** The page up to where its message would become too large; one record alone may be. */
function cutToMessage(page: Page): Page {
  let bytes = 0;
  const cut = page.entries.findIndex(({ key, value }, index) => {
    bytes += key.length + value.length + overheadBytes;
    return index > 0 && bytes > messageBytes;
  });
  const next = page.entries[cut]?.key;
  return next ? { entries: page.entries.slice(0, cut), next } : page;
}
