import { afterKey, compareKeys } from "../../store/range.ts";
import type { Entry, Key, Revision, StoreReader, TenantId } from "../../store/store.ts";
import { recordKey } from "../keys.ts";
import { idOf } from "./stored-record.ts";

/** The records of these ids that exist at a revision; at most 1,000 ids. */
export async function existingRecords(
  store: StoreReader,
  tenant: TenantId,
  collection: number,
  ids: ReadonlySet<string>,
  at: Revision,
): Promise<Map<string, Entry>> {
  const keys = [...ids].map((id) => recordKey(collection, id));
  const found = new Map<string, Entry>();
  const [first, ...others] = keys;
  if (first === undefined) return found;
  // One page between the smallest and the largest id: it holds nothing for new records, and everything for neighbours.
  const range = { start: others.reduce(smaller, first), end: afterKey(others.reduce(larger, first)) };
  const page = await store.scan(tenant, range, { at, limit: keys.length });
  const { next } = page;
  const beyond = next === undefined ? [] : keys.filter((key) => compareKeys(key, next) >= 0);
  const looked = await Promise.all(beyond.map((key) => store.get(tenant, key, at)));
  for (const entry of [...page.entries, ...looked]) if (entry && ids.has(idOf(entry))) found.set(idOf(entry), entry);
  return found;
}

function smaller(one: Key, other: Key): Key {
  return compareKeys(one, other) <= 0 ? one : other;
}

function larger(one: Key, other: Key): Key {
  return compareKeys(one, other) >= 0 ? one : other;
}
