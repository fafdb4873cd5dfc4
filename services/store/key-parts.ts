import type { Key } from "./store.ts";

/** A key of its parts: texts as UTF-8, numbers as four bytes. Numbers are big-endian, so that byte order is number order. */
export function joinKey(...parts: (string | Uint8Array | number)[]): Key {
  const key = Buffer.allocUnsafe(parts.reduce<number>((length, part) => length + lengthOf(part), 0));
  let end = 0;
  for (const part of parts) {
    if (typeof part === "string") end += key.write(part, end);
    else if (typeof part === "number") end = key.writeUInt32BE(part, end);
    else {
      key.set(part, end);
      end += part.length;
    }
  }
  return key;
}

function lengthOf(part: string | Uint8Array | number): number {
  if (typeof part === "string") return Buffer.byteLength(part);
  return typeof part === "number" ? 4 : part.length;
}

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
