import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderProblem } from "../../services/registry/verification/safetensors-header.ts";
import { SafetensorsReader } from "../../services/registry/verification/safetensors-reader.ts";
import { tensorTypes } from "../../services/registry/verification/tensor-types.ts";
import { python, resultOf, startProgram } from "../support/command.ts";
import { safetensors } from "../support/spoiled/adapter.ts";

const script = fileURLToPath(new URL("../support/read_safetensors.py", import.meta.url));

type Read = readonly (readonly [name: string, type: string, shape: readonly number[], bytes: number])[];

const entries = {
  __metadata__: { format: "pt" },
  first: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] },
  second: { dtype: "BF16", shape: [0], data_offsets: [16, 16] },
  third: { dtype: "U8", shape: [4], data_offsets: [16, 20] },
};
const data = Buffer.alloc(20);

/** Headers that are right or nearly so. */
const name = fc.constantFrom("first", "second", "third", "é", "");
const length = fc.constantFrom(0, 1, 2, 4, 8, 16, 20, 2 ** 31, 2 ** 53, -1, 1.5);
const type = fc.constantFrom(...tensorTypes.keys(), "F128", "f32");
const entry = fc.record({
  dtype: type,
  shape: fc.array(length, { maxLength: 3 }),
  data_offsets: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom([0, 16], [16, 20], [0, 20], [16, 16], [0, 0]) },
    { weight: 1, arbitrary: fc.array(length, { maxLength: 3 }) },
  ),
});
const written = fc.dictionary(name, entry, { maxKeys: 3 }).map((object) => safetensors(JSON.stringify(object), data));
const good = safetensors(JSON.stringify(entries), data);
const flipped = fc
  .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  .map((changes) => {
    const bytes = Buffer.from(good);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });

function read(bytes: Buffer): Read | undefined {
  try {
    const reader = new SafetensorsReader(bytes.length);
    reader.push(bytes);
    reader.end();
    return reader.tensors.map(
      ({ name: called, type: of, shape, begin, end }) => [called, of, shape, end - begin] as const,
    );
  } catch (error) {
    if (error instanceof HeaderProblem) return undefined;
    throw error;
  }
}

test("what is taken as a safetensors file means the same to the safetensors library", async () => {
  const files = [good, ...fc.sample(flipped, 4000), ...fc.sample(written, 4000)];
  const input = files.map((file) => `${file.toString("base64")}\n`).join("");
  const { code, stdout, stderr } = await resultOf(startProgram(python, [script], { env: process.env, input }));
  expect(code, stderr).toBe(0);
  const theirs: (Read | null)[] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(theirs).toHaveLength(files.length);
  let taken = 0;
  for (const [place, file] of files.entries()) {
    const ours = read(file);
    if (ours === undefined) continue;
    taken++;
    const byName = ours.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect.soft(byName, file.toString()).toEqual(theirs[place]);
  }
  // Neither all nor none, and hardly any that only the library takes: keys twice, names that are too long.
  expect(taken).toBeGreaterThan(20);
  expect(theirs.filter((one) => one !== null).length).toBeLessThan(taken * 1.2);
});
