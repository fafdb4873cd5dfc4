import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { afterAll, expect, test } from "vitest";
import { isList, isMixed, isStruct, type SampleType, type StructType, widenSample } from "./sample-type.ts";
import { type Compression, openShard } from "./shard.ts";

const folder = mkdtempSync(join(tmpdir(), "loraloop-parquet-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function writeAndRead(samples: readonly Record<string, unknown>[], compression: Compression = "none") {
  const path = join(folder, "samples.parquet");
  const type = samples.reduce<StructType>(widenSample, { fields: new Map() });
  const shard = await openShard(path, { format: "parquet", compression, keep: 0, type: () => type });
  for (const sample of samples) await shard.add(Buffer.from(`${JSON.stringify(sample)}\n`), sample);
  const { bytes } = await shard.finish();
  const file = readFileSync(path);
  expect(file.length).toBe(bytes);
  const compressors = {
    GZIP: (packed: Uint8Array) => new Uint8Array(gunzipSync(packed)),
    ZSTD: (packed: Uint8Array) => new Uint8Array(zstdDecompressSync(packed)),
  };
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
  return { type, rows: await parquetReadObjects({ file: buffer, compressors }) };
}

/** What a reader sees of a value: every field, JSON where the column is mixed. */
function expected(type: SampleType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (isMixed(type)) return JSON.stringify(value);
  if (isList(type)) return (value as unknown[]).map((item) => expected(type.list, item));
  if (isStruct(type)) return expectedFields(type, value as Record<string, unknown>);
  return value;
}

function expectedFields({ fields }: StructType, value: Record<string, unknown>): Record<string, unknown> {
  const own = (name: string): unknown => (Object.hasOwn(value, name) ? value[name] : null);
  return Object.fromEntries([...fields].map(([name, type]) => [name, expected(type, own(name))]));
}

/** Absent as null, 64-bit integers as numbers. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

test.for(["none", "gzip", "zstd"] as const)("nested samples read back equal, compression %s", async (compression) => {
  const samples = [
    {
      messages: [
        { role: "user", content: "Ä 🦊 \u2028" },
        { role: "assistant", content: "" },
      ],
      weight: 0.9,
    },
    { messages: [], metadata: { tags: ["a", null], page: 2 ** 40 }, weight: 1 },
    { messages: [{ role: "tool", content: null, calls: [{ name: "f", arguments: [1, [2]] }] }], odd: 1, weight: 1.5 },
    { messages: null, odd: { a: [] }, weight: 0 },
  ];
  const { type, rows } = await writeAndRead(samples, compression);
  expect(rows.map(plain)).toEqual(samples.map((sample) => expectedFields(type, sample)));
  expect(rows[2]?.["odd"]).toBe("1");
  expect(Object.keys(rows[0] ?? {}).at(-1)).toBe("weight");
});

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    fc.string({ unit: "binary" }),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b.c", "list", "constructor"), tie("any"), { maxKeys: 3 }),
  ),
})).any;
const row = fc.dictionary(fc.constantFrom("text", "a.b", "element", "toString"), value, { minKeys: 1 });

test("whatever the samples are, they read back equal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (samples) => {
      const { type, rows } = await writeAndRead(samples);
      expect(rows.map(plain)).toEqual(samples.map((sample) => expectedFields(type, sample)));
    }),
    { numRuns: 200 },
  );
});
