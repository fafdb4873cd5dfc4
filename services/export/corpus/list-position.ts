import type { Key, Revision } from "../../store/store.ts";

/** Where a list goes on: all of its pages show one revision. */
export interface ListPosition {
  readonly at: Revision;
  readonly start: Key;
}

export function encodePosition({ at, start }: ListPosition): Uint8Array {
  const bytes = Buffer.alloc(8 + start.length);
  bytes.writeBigUInt64BE(at);
  bytes.set(start, 8);
  return bytes;
}

export function decodePosition(position: Uint8Array): ListPosition {
  const bytes = Buffer.from(position);
  return { at: bytes.readBigUInt64BE(), start: bytes.subarray(8) };
}
