import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safetensors } from "../../../test/support/spoiled/adapter.ts";
import { limits } from "../../kit/limits.ts";
import { HeaderProblem } from "./safetensors-header.ts";
import { SafetensorsReader } from "./safetensors-reader.ts";

const entries = {
  __metadata__: { format: "pt" },
  scalar: { dtype: "F32", shape: [], data_offsets: [0, 4] },
  nothing: { dtype: "F64", shape: [0], data_offsets: [4, 4] },
  halves: { dtype: "F16", shape: [3, 5], data_offsets: [4, 34] },
  bytes: { dtype: "U8", shape: [3], data_offsets: [34, 37] },
  doubles: { dtype: "F64", shape: [2], data_offsets: [37, 53] },
};
const data = Buffer.alloc(53, 0x11);
const file = safetensors(JSON.stringify(entries), data);
const headerBytes = file.length - data.length;

function read(bytes: Uint8Array, cuts: readonly number[] = []): SafetensorsReader {
  const reader = new SafetensorsReader(bytes.length);
  let at = 0;
  for (const cut of cuts) {
    reader.push(bytes.subarray(at, at + cut));
    at = Math.min(at + cut, bytes.length);
  }
  reader.push(bytes.subarray(at));
  reader.end();
  return reader;
}

describe("SafetensorsReader", () => {
  test("reads all tensors in the order of their bytes, however the file comes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 20 }), (cuts) => {
        const { tensors, notFinite } = read(file, cuts);
        expect(tensors.map(({ name, elements }) => [name, elements])).toEqual([
          ["scalar", 1],
          ["nothing", 0],
          ["halves", 15],
          ["bytes", 3],
          ["doubles", 2],
        ]);
        expect(notFinite).toEqual([]);
      }),
    );
  });

  test("tells each tensor that is not finite once, however the file comes", () => {
    const bad = Buffer.from(file);
    bad.writeFloatLE(Number.NaN, headerBytes);
    bad.writeUInt16LE(0x7c00, headerBytes + 32);
    bad.writeDoubleLE(Number.NEGATIVE_INFINITY, headerBytes + 45);
    bad.fill(0xff, headerBytes + 34, headerBytes + 37);
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 20 }), (cuts) => {
        expect(read(bad, cuts).notFinite).toEqual([
          { tensor: "scalar", element: 0 },
          { tensor: "halves", element: 14 },
          { tensor: "doubles", element: 1 },
        ]);
      }),
    );
  });

  test("a header with other bytes is refused, or says the same", () => {
    const { tensors } = read(file);
    const change = fc.tuple(fc.nat(headerBytes - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(file);
        for (const [at, difference] of changes) bytes[at] = (bytes[at] ?? 0) ^ difference;
        const found = attempt(() => read(bytes).tensors);
        // Names and types of equal length may change: those are compared with the configuration and the base model.
        const shapes = (of: typeof tensors) => of.map(({ shape, begin, end }) => ({ shape, begin, end }));
        if (found !== undefined) expect(shapes(found)).toEqual(shapes(tensors));
      }),
      { numRuns: 5000 },
    );
  });

  test("a header may be as long as the limit", () => {
    const padded = JSON.stringify(entries).padEnd(limits.safetensors_header_bytes);
    expect(read(safetensors(padded, data)).tensors).toHaveLength(5);
    expect(() => read(safetensors(`${padded} `, data))).toThrow(/the limit safetensors_header_bytes is 16777216/);
  });

  test("the name of a tensor may be as long as the limit", () => {
    const named = (length: number) =>
      safetensors(
        JSON.stringify({ ["n".repeat(length)]: { dtype: "U8", shape: [], data_offsets: [0, 1] } }),
        Buffer.alloc(1),
      );
    expect(read(named(limits.tensor_name_characters)).tensors).toHaveLength(1);
    expect(() => read(named(limits.tensor_name_characters + 1))).toThrow(/tensor_name_characters/);
  });

  test("a file that goes on longer than it was is refused", () => {
    const reader = new SafetensorsReader(file.length);
    reader.push(file);
    expect(() => reader.push(Buffer.alloc(1))).toThrow(/longer than it was/);
    expect(() => new SafetensorsReader(file.length).end()).toThrow(/inside of its header/);
  });
});

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof HeaderProblem) return undefined;
    throw error;
  }
}
