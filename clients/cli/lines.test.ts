import fc from "fast-check";
import { expect, it } from "vitest";
import { linesOf } from "./lines.ts";

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

function textsOf(chunks: AsyncIterable<Buffer>): Promise<string[]> {
  return Array.fromAsync(linesOf(chunks), String);
}

it("splits at line feeds only, wherever the chunks are cut", async () => {
  const line = fc.string({ unit: "grapheme" }).map((value) => JSON.stringify(value));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      expect(await textsOf(cut(Buffer.from(`${lines.join("\n")}\n`), size))).toEqual(lines);
    }),
  );
});

it("keeps line separators of Unicode inside a line, drops carriage returns, and reads a last line without line feed", async () => {
  const bytes = Buffer.from('"a\u2028b\u2029c\u0085"\r\n\n"last"');
  expect(await textsOf(cut(bytes, 5))).toEqual(['"a\u2028b\u2029c\u0085"', "", '"last"']);
});
