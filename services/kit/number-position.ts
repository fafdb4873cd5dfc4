/** Where a list goes on that counts its entries, as the position of a page token. */
export function encodePosition(entry: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(entry));
  return bytes;
}

/** Of what a page token says; 0 where there is none. */
export function decodePosition(position: Uint8Array | undefined): number {
  return position === undefined ? 0 : Number(Buffer.from(position).readBigUInt64BE());
}
