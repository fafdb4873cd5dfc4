import { MAX_KEY_BYTES } from "./limits.ts";
import type { Key, KeyRange } from "./store.ts";

/** Unsigned bytes, shorter first on a common prefix: negative, 0 or positive. */
export function compareKeys(a: Key, b: Key): number {
  return Buffer.compare(a, b);
}

/** All keys that begin with `prefix`; every key for an empty prefix. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  return { start: prefix, end: afterPrefix(prefix) };
}

/** The smallest key greater than `key`: where a page that ended with it goes on. */
export function afterKey(key: Key): Key {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function afterPrefix(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  if (last === -1) return new Uint8Array(MAX_KEY_BYTES + 1).fill(0xff);
  const end = new Uint8Array(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
