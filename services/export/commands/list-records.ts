import type { ListPosition } from "../../kit/list-position.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { prefixRange } from "../../store/range.ts";
import type { Page, TenantId } from "../../store/store.ts";
import { findCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { recordKey } from "../keys.ts";

export interface ListRecords extends ListPosition {
  readonly collection: string;
  readonly idPrefix: string;
  readonly limit: number;
}

export async function listRecords(context: CorpusContext, tenant: TenantId, list: ListRecords): Promise<Page> {
  const collection = await findCollection(context, tenant, list.collection);
  const { start, end } = prefixRange(recordKey(collection, list.idPrefix));
  const range = { start: list.start ?? start, end };
  return cutToMessage(await context.store.scan(tenant, range, { at: list.at, limit: list.limit }));
}

/** More than a record's message has beyond its key and value. */
const overheadBytes = 100;

/** The page up to where its message would become too large; one record alone may be. */
function cutToMessage(page: Page): Page {
  const room = new MessageRoom();
  const cut = page.entries.findIndex(({ key, value }) => !room.take(key.length + value.length + overheadBytes));
  const next = page.entries[cut]?.key;
  return next ? { entries: page.entries.slice(0, cut), next } : page;
}
