import { Adapter } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { encoded } from "../../kit/encoded.ts";
import { PageTime } from "../../kit/filter/page-time.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import { mapInOrder } from "../../kit/map-in-order.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { Slices } from "../../kit/slices.ts";
import type { Entry, Key, Revision, TenantId } from "../../store/store.ts";
import { showAdapter } from "../adapters/shown-adapter.ts";
import { type Reader, toAdapter } from "../adapters/stored-adapters.ts";
import { prefixRange } from "../keys.ts";

export interface ListAdapters extends ListPosition {
  /** Absent for all. */
  readonly matches: ((adapter: Adapter) => boolean) | undefined;
  readonly includeDeleted: boolean;
  readonly limit: number;
}

export interface AdapterPage {
  /** By name; fewer than asked for where some are deleted, do not match, or are large. */
  readonly adapters: Adapter[];
  readonly next: Key | undefined;
}

const READS_AT_ONCE = 16;
const all = prefixRange("adapter/");

/** With a filter looks for no longer than `filter_page_milliseconds`. */
export async function listAdapters(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  { matches, includeDeleted, limit, at, start }: ListAdapters,
): Promise<AdapterPage> {
  const adapters: Adapter[] = [];
  const { entries, next } = await store.scan(tenant, { start: start ?? all.start, end: all.end }, { at, limit });
  const [room, slices, time] = [new MessageRoom(), new Slices(), new PageTime(matches !== undefined)];
  const show = async (entry: Entry) => ({ key: entry.key, adapter: await showEntry(store, tenant, entry, at) });
  for await (const { key, adapter } of mapInOrder(entries.values(), READS_AT_ONCE, show)) {
    const bytes = encoded(Adapter, adapter).length;
    await slices.done(bytes);
    if (time.isOver()) return { adapters, next: key };
    if (!includeDeleted && adapter.deleteTime !== undefined) continue;
    if (matches !== undefined && !matches(adapter)) continue;
    if (!room.take(bytes)) return { adapters, next: key };
    adapters.push(adapter);
  }
  return { adapters, next };
}

function showEntry(store: Reader, tenant: TenantId, entry: Entry, at: Revision): Promise<Adapter> {
  const name = Buffer.from(entry.key).toString("utf8", all.start.length);
  return showAdapter(store, tenant, toAdapter(name, entry), at);
}
