import { afterKey, compareKeys } from "../../store/range.ts";
import type { Entry, Key, Revision, StoreReader, TenantId } from "../../store/store.ts";
import { recordKey } from "../keys.ts";
import { idOf } from "./stored-record.ts";

/** The keys of these ids, each once. */
export function recordKeys(collection: number, ids: readonly string[]): Map<string, Key> {
  return new Map(ids.map((id) => [id, recordKey(collection, id)]));
}

/** Those of these records of one collection that exist at a revision, by id; at most 1,000. */
export async function existingRecords(
  store: StoreReader,
  tenant: TenantId,
  keys: ReadonlyMap<string, Key>,
  at: Revision,
): Promise<Map<string, Entry>> {
  const all = [...keys.values()];
  // One page from the smallest to the largest key: it holds nothing for new records, and everything for neighbours.
  const range = { start: all.reduce(smaller), end: afterKey(all.reduce(larger)) };
  const { entries, next } = await store.scan(tenant, range, { at, limit: all.length });
  const beyond = next === undefined ? [] : all.filter((key) => compareKeys(key, next) >= 0);
  const others = await Promise.all(beyond.map((key) => store.get(tenant, key, at)));
  const found = new Map<string, Entry>();
  for (const entry of [...entries, ...others]) {
    if (entry && keys.has(idOf(entry))) found.set(idOf(entry), entry);
  }
  return found;
}

function smaller(one: Key, other: Key): Key {
  return compareKeys(one, other) <= 0 ? one : other;
}

function larger(one: Key, other: Key): Key {
  return compareKeys(one, other) >= 0 ? one : other;
}
