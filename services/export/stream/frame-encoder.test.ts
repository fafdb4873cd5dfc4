import fc from "fast-check";
import { expect, test } from "vitest";
import { StreamSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { layoutBatch } from "./frame-encoder.ts";

const id = fc.string({ minLength: 1, maxLength: 250, unit: "grapheme" }).filter((text) => !text.includes("\n"));
const sample = fc.record({ id, line: fc.string({ maxLength: 300 }), weight: fc.nat(4_294_967_295) });

test("gives the bytes of the generated encoder", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(sample, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.array(fc.record({ first: fc.maxSafeNat(), count: fc.integer({ min: 1, max: 100_000 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.nat(),
      (pages, weighted, runs, uncompressedBytes) => {
        const samples = pages.flat();
        const lines = Buffer.from(samples.map(({ line }) => `${line}\n`).join(""));
        const segmentBytes = pages.map((page) => Buffer.byteLength(page.map(({ line }) => `${line}\n`).join("")));
        const parts = {
          lineBytes: lines.length,
          uncompressedBytes,
          ids: pages.map((page) => Buffer.from(page.map((one) => `${one.id}\n`).join(""))),
          weights: weighted ? pages.map((page) => Uint32Array.from(page, ({ weight }) => weight)) : [],
          runs,
          segmentBytes,
        };
        const frame = layoutBatch(parts);
        lines.copy(frame.lines);
        const generated = StreamSamplesResponse.encode({
          frame: {
            $case: "batch",
            value: {
              lines,
              ids: samples.map((one) => Buffer.from(one.id).toString()),
              weightsMicros: weighted ? samples.map(({ weight }) => weight) : [],
              indexRuns: runs.map(({ first, count }) => ({ first: BigInt(first), count })),
              segmentBytes,
              uncompressedBytes,
            },
          },
        }).finish();
        expect(frame.bytes.equals(generated)).toBe(true);
        expect(frame.bytes.buffer.byteLength).toBe(frame.bytes.length);
      },
    ),
  );
});

test.each([[1], [127, 1], [128, 1], [127, 128, 127], [256, 128, 1], [16_383, 1], [16_384, 1], Array(40_000).fill(1)])(
  "ids of %i bytes and more",
  (...lengths: number[]) => {
    const ids = lengths.map((length, place) => String.fromCharCode(97 + (place % 26)).repeat(length));
    const parts = {
      lineBytes: 1,
      uncompressedBytes: 0,
      ids: [Buffer.from(ids.map((id) => `${id}\n`).join(""))],
      weights: [],
      runs: [{ first: 0, count: ids.length }],
      segmentBytes: [1],
    };
    const { frame } = StreamSamplesResponse.decode(layoutBatch(parts).bytes);
    expect(frame?.$case === "batch" && frame.value.ids).toEqual(ids);
  },
);
