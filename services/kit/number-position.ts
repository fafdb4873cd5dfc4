import { uint64 } from "../store/key-parts.ts";

/** Where a list goes on that counts its entries, as the position of a page token. */
export function encodePosition(entry: number): Uint8Array {
  return uint64(BigInt(entry));
}

/** Of what a page token says; 0 where there is none. */
export function decodePosition(position: Uint8Array | undefined): number {
  return position === undefined ? 0 : Number(Buffer.from(position).readBigUInt64BE());
}
