const powers = ["", "k", "m", "g", "t"];

/** Bytes of a number or of a text as `10GB` (10^10) or `512MiB` (2^29). Throws RangeError. */
export function byteCount(size: number | string): number {
  const [, number, prefix = "", binary] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(i?)b?$/i.exec(String(size)) ?? [];
  const bytes = Math.floor(Number(number) * (binary ? 1024 : 1000) ** powers.indexOf(prefix.toLowerCase()));
  if (!(bytes > 0)) throw new RangeError(`The size is ${JSON.stringify(size)}; expected bytes or a text as "10GB".`);
  return bytes;
}
