import { StoredAliasMove } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Entry, Key, Page, TenantId } from "../../store/store.ts";
import { aliasMoveKey, prefixRange } from "../keys.ts";
import type { KeptMove } from "./shown-adapter.ts";
import type { Reader } from "./stored-adapters.ts";

const prefix = "alias-move/";
const numberBytes = 8;

/** A move from its entry. */
export function toMove({ key, value, revision }: Entry): KeptMove {
  const [adapter = "", alias = ""] = Buffer.from(key).toString("latin1", prefix.length).split("\0");
  return { adapter, alias, stored: StoredAliasMove.decode(value), revision };
}

/** The last move of an alias; undefined where it never moved. */
export async function lastMove(
  store: Reader,
  tenant: TenantId,
  adapter: string,
  alias: string,
): Promise<KeptMove | undefined> {
  const { entries } = await movesOfAlias(store, tenant, { adapter, alias, limit: 1, end: undefined });
  return entries[0] && toMove(entries[0]);
}

export interface ListMoves {
  readonly adapter: string;
  readonly alias: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly end: Key | undefined;
}

/** Newest first. */
export function movesOfAlias(store: Reader, tenant: TenantId, list: ListMoves): Promise<Page> {
  const start = aliasMoveKey(list.adapter, list.alias, 0n);
  const all = prefixRange(start.subarray(0, start.length - numberBytes));
  return store.scan(tenant, { start: all.start, end: list.end ?? all.end }, { reverse: true, limit: list.limit });
}

/** Those of all aliases of an adapter, newest first. */
export async function movesOfAdapter(
  store: Reader,
  tenant: TenantId,
  { adapter, limit, end }: Omit<ListMoves, "alias">,
): Promise<Page> {
  const all = prefixRange("alias-history/", adapter, "\0");
  const range = { start: all.start, end: end ?? all.end };
  const { entries, ...rest } = await store.scan(tenant, range, { reverse: true, limit });
  const moves = await Promise.all(entries.map(({ value }) => store.get(tenant, value)));
  return { entries: moves.filter((entry) => entry !== undefined), ...rest };
}
