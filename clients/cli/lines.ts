import { InputError } from "./failure.ts";

/** Longest line that is read; more than any record may have. */
const lineBytes = 64 * 1024 * 1024;

/** Lines without their line feed. Splits at line feeds only: JSON text may hold U+2028 and its like, which other readers take for an end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      yield join([...pending, chunk.subarray(start, end)]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > lineBytes)
      throw new InputError(`A line is longer than ${lineBytes} bytes: this is not JSON Lines.`);
  }
  if (pendingBytes > 0) yield join(pending);
}

function join(parts: readonly Buffer[]): Buffer {
  const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  return line.subarray(0, line.at(-1) === 0x0d ? line.length - 1 : line.length);
}
