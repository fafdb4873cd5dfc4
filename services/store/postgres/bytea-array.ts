const BYTEA = 17;

/** A one-dimensional `bytea[]` in PostgreSQL's binary form: half the bytes of its text form. `undefined` is null. */
export function byteaArray(values: readonly (Uint8Array | undefined)[]): Buffer {
  const header = Buffer.alloc(20);
  header.writeInt32BE(1, 0); // dimensions
  header.writeInt32BE(1, 4); // may hold nulls
  header.writeInt32BE(BYTEA, 8);
  header.writeInt32BE(values.length, 12);
  header.writeInt32BE(1, 16); // lower bound
  return Buffer.concat([header, ...values.flatMap((value) => (value ? [length(value.length), value] : [length(-1)]))]);
}

function length(bytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(4);
  prefix.writeInt32BE(bytes);
  return prefix;
}
