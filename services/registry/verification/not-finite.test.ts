import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NotFiniteSearch } from "./not-finite.ts";
import { tensorTypes } from "./tensor-types.ts";

/** How an element is read by others. */
const readers: Readonly<Record<string, (view: DataView, offset: number) => number>> = {
  F64: (view, offset) => view.getFloat64(offset, true),
  F32: (view, offset) => view.getFloat32(offset, true),
  F16: (view, offset) => view.getFloat16(offset, true),
  BF16: (view, offset) => brain(view.getUint16(offset, true)),
  F8_E5M2: (view, offset) => half(view.getUint8(offset) << 8),
  F8_E4M3: (view, offset) => ((view.getUint8(offset) & 0x7f) === 0x7f ? Number.NaN : 0),
  F8_E5M2FNUZ: (view, offset) => (view.getUint8(offset) === 0x80 ? Number.NaN : 0),
  F8_E4M3FNUZ: (view, offset) => (view.getUint8(offset) === 0x80 ? Number.NaN : 0),
  F8_E8M0: (view, offset) => (view.getUint8(offset) === 0xff ? Number.NaN : 0),
  C64: (view, offset) => view.getFloat32(offset, true) + view.getFloat32(offset + 4, true),
};

/** The upper half of a float32. */
function brain(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? 0;
}

function half(bits: number): number {
  return new DataView(Uint16Array.of(bits).buffer).getFloat16(0, true);
}

/** Bytes of elements, mostly finite; then how they are cut. */
const bytesAndCuts = fc.tuple(
  fc.array(fc.oneof({ weight: 30, arbitrary: fc.integer({ min: 0, max: 0x3f }) }, fc.integer({ min: 0, max: 255 })), {
    maxLength: 160,
  }),
  fc.array(fc.nat(40), { maxLength: 8 }),
);

describe.each(Object.keys(readers))("a search in %s", (name) => {
  const { bits = 8, notFinite } = tensorTypes.get(name) ?? {};
  const size = bits / 8;
  const read = readers[name];
  if (notFinite === undefined || read === undefined) throw new Error(`${name} has no numbers that are not finite`);

  test("finds the first element that is not finite, however the bytes come", () => {
    fc.assert(
      fc.property(bytesAndCuts, ([all, cuts]) => {
        const bytes = Uint8Array.from(all.slice(0, all.length - (all.length % size)));
        const view = new DataView(bytes.buffer);
        const elements = Array.from({ length: bytes.length / size }, (_, index) => read(view, index * size));
        const first = elements.findIndex((element) => !Number.isFinite(element));
        const found = search(new NotFiniteSearch(notFinite), bytes, cuts);
        if (first === -1) expect(found).toBeUndefined();
        else expect(Math.floor((found ?? -8) / Math.max(4, size))).toBe(Math.floor((first * size) / Math.max(4, size)));
      }),
      { numRuns: 1000 },
    );
  });
});

function search(searching: NotFiniteSearch, bytes: Uint8Array, cuts: readonly number[]): number | undefined {
  let at = 0;
  for (const cut of cuts) {
    const found = searching.push(bytes.subarray(at, at + cut));
    if (found !== undefined) return found;
    at = Math.min(at + cut, bytes.length);
  }
  return searching.push(bytes.subarray(at)) ?? searching.end();
}

test("every type of floating-point numbers that has NaN is searched", () => {
  const searched = [...tensorTypes].filter(([, { notFinite }]) => notFinite !== undefined).map(([name]) => name);
  expect(searched.sort()).toEqual(Object.keys(readers).sort());
});
