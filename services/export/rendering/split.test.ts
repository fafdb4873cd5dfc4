import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Splits } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { readRecords, realFiles } from "../../../test/data/real-data.ts";
import { rendererOf, storedRecord } from "./rendering-fixture.ts";
import { compileSplits } from "./split.ts";

const splits = (percents: Readonly<Record<string, number>>, salt = "", selected = ""): Splits => ({
  parts: Object.entries(percents).map(([name, percent]) => ({ name, percent })),
  salt,
  selected,
});

const lowAndHigh = { low: 70, high: 30 };
const percents = { train: 80, validation: 15, test: 5 };

interface Item {
  readonly id: string;
  readonly group: string;
}

/** The ids that a stream of each part gives, by rendering everything once for each. */
function idsByPart(items: readonly Item[], salt: string): Record<string, string[]> {
  return Object.fromEntries(
    Object.keys(percents).map((name) => {
      const renderer = rendererOf({ format: "text", splits: splits(percents, salt, name) });
      const kept = items.filter(({ id, group }) => {
        const { kind } = renderer.render(id, storedRecord({ text: id }, { group }));
        return kind === "sample";
      });
      return [name, kept.map(({ id }) => id)];
    }),
  );
}

test("parts are disjoint, cover everything, share no group, and more records move none", () => {
  const item = fc.record({ id: fc.string({ minLength: 1 }), group: fc.constantFrom("", "", "a", "b", "c", "d") });
  const items = fc.uniqueArray(item, { selector: ({ id }) => id, minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(items, fc.nat(40), fc.string(), (all, fewer, salt) => {
      const parts = idsByPart(all, salt);
      expect(Object.values(parts).flat().sort()).toEqual(all.map(({ id }) => id).sort());
      const partOf = new Map(Object.entries(parts).flatMap(([name, ids]) => ids.map((id) => [id, name] as const)));
      for (const group of ["a", "b", "c", "d"]) {
        const names = all.filter((each) => each.group === group).map(({ id }) => partOf.get(id));
        expect(new Set(names).size).toBeLessThanOrEqual(1);
      }
      const before = idsByPart(all.slice(0, fewer), salt);
      for (const [name, ids] of Object.entries(before)) expect(parts[name]).toEqual(expect.arrayContaining(ids));
    }),
    { numRuns: 50 },
  );
});

/** The rule as it is written in the proto, computed with fractions. */
function expectedPart({ parts, salt }: Splits, group: string): string {
  const digest = createHash("sha256").update(salt).update(new Uint8Array(1)).update(group).digest("hex");
  const place = BigInt(`0x${digest.slice(0, 8)}`);
  let end = 0n;
  for (const { name, percent } of parts) {
    end += BigInt(percent);
    if (place * 100n < end * 2n ** 32n) return name;
  }
  return "none";
}

test("a group's part is the one in whose percents its hash lies", () => {
  const names = Array.from({ length: 100 }, (_, n) => `p${n}`);
  const hundredParts = splits(Object.fromEntries(names.map((name) => [name, 1])), "salz");
  for (const each of [splits(percents), splits(percents, "ä"), hundredParts, splits({ all: 100 })]) {
    const partOf = compileSplits(each);
    fc.assert(fc.property(fc.string({ unit: "binary" }), (group) => partOf(group) === expectedPart(each, group)));
  }
  // SHA-256 of the bytes 00 "qa_1" begins with d3acacd0: 82.7 percent; with the salt "1" before it, with 998ca55d: 59.98.
  expect(compileSplits(splits(lowAndHigh))("qa_1")).toBe("high");
  expect(compileSplits(splits(lowAndHigh, "1"))("qa_1")).toBe("low");
});

test("parts are what they were when they were first computed, in another language", () => {
  const ids = Array.from({ length: 1460 }, (_, n) => `bag-${String(n).padStart(5, "0")}`);
  const partOf = compileSplits(splits(percents));
  const digests = Object.keys(percents).map((name) => {
    const own = ids.filter((id) => partOf(id) === name);
    return [name, own.length, createHash("sha256").update(own.join("\n")).digest("hex").slice(0, 16)];
  });
  expect(digests).toEqual([
    ["train", 1168, "7b293f1c78a89b9f"],
    ["validation", 208, "c0c47221dc48b251"],
    ["test", 84, "7915da871541afff"],
  ]);
});

test("a record's group decides, else its id; without a selected part nothing is dropped", () => {
  const renderer = (selected: string, salt = "") =>
    rendererOf({ format: "text", splits: splits(lowAndHigh, salt, selected) });
  const kinds = (each: ReturnType<typeof renderer>, group: string) =>
    each.render("qa_1", storedRecord({ text: "t" }, { group })).kind;
  expect(renderer("high").conditions).toEqual(['split = "high"']);
  expect(renderer("").conditions).toEqual([]);
  expect([kinds(renderer("high"), ""), kinds(renderer("low"), ""), kinds(renderer(""), "")]).toEqual([
    "sample",
    "dropped",
    "sample",
  ]);
  const groups = Array.from({ length: 50 }, (_, n) => `group ${n}`);
  const low = groups.filter((group) => kinds(renderer("low"), group) === "sample");
  expect(low).toEqual(groups.filter((group) => compileSplits(splits(lowAndHigh))(group) === "low"));
});

test("the split comes before all other conditions: a record that fails one fails in its part only", () => {
  const selection = { filter: "record.missing > 1.0" };
  const kinds = ["low", "high"].map((selected) => {
    const renderer = rendererOf({ format: "text", selection, splits: splits(lowAndHigh, "", selected) });
    return renderer.render("qa_1", storedRecord({ text: "t" })).kind;
  });
  expect(kinds).toEqual(["dropped", "rejected"]);
});

const files = realFiles("court-decisions");

test.skipIf(files === undefined)(
  "court decisions: the parts are as large as they should be, and stay what they are",
  () => {
    const items = readRecords(files ?? []).map(({ id }) => ({ id, group: "" }));
    const parts = idsByPart(items, "");
    const total = items.length;
    for (const [name, percent] of Object.entries(percents)) {
      const expected = (total * percent) / 100;
      expect(Math.abs((parts[name]?.length ?? 0) - expected)).toBeLessThan(4 * Math.sqrt(expected));
    }
    const whole = splits(percents);
    expect(parts["test"]).toEqual(items.filter(({ id }) => expectedPart(whole, id) === "test").map(({ id }) => id));
  },
);
