import type { Key } from "./store.ts";

const text = new TextEncoder();

/** A key of its parts: texts as UTF-8, numbers as four bytes. Numbers are big-endian, so that byte order is number order. */
export function joinKey(...parts: (string | Uint8Array | number)[]): Key {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? text.encode(part) : typeof part === "number" ? uint32(part) : part,
    ),
  );
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
