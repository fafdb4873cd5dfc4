/** Things in the order of a text's UTF-8 bytes, in which the store has its keys; JavaScript's own order differs beyond U+FFFF. */
export function inByteOrder<T>(things: Iterable<T>, textOf: (thing: T) => string): T[] {
  return Array.from(things, (thing) => ({ thing, bytes: Buffer.from(textOf(thing)) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ thing }) => thing);
}
