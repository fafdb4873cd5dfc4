import { expect, test } from "vitest";
import { toTimestamp } from "../../kit/timestamp.ts";
import { at, outcomeText, rendererOf, storedRecord } from "./rendering-fixture.ts";

type Selection = NonNullable<Parameters<typeof rendererOf>[0]["selection"]>;

function select(selection: Selection, fields: object, system = {}): string {
  const renderer = rendererOf({ format: "text", selection });
  return outcomeText(renderer.render("r1", storedRecord({ text: "t", ...fields }, system)));
}

const selected = '{"text":"t"}';
const dropped = "dropped 0";

test.for([
  [{ theme: "law" }, selected],
  [{ theme: "Law" }, dropped],
  [{ theme: ["x", "law"] }, selected],
  [{ theme: [] }, dropped],
  [{ theme: null }, dropped],
  [{ theme: { law: 1 } }, dropped],
  [{}, dropped],
] as const)("theme = law: %j", ([fields, expected]) => {
  expect(select({ conditions: [{ field: "theme", values: ["law"] }] }, fields)).toBe(expected);
});

test.for([
  [{ x: 2020 }, selected],
  [{ x: 2020.0 }, selected],
  [{ x: "2020" }, selected],
  [{ x: 1e21 }, selected],
  [{ x: true }, selected],
  [{ x: false }, dropped],
  [{ x: 2021 }, dropped],
] as const)("numbers and booleans are compared as JSON prints them: %j", ([fields, expected]) => {
  expect(select({ conditions: [{ field: "x", values: ["2020", "1e+21", "true"] }] }, fields)).toBe(expected);
});

const range = (field: string) => ({
  timeRange: { field, startTime: toTimestamp(at("2020-01-01")), endTime: toTimestamp(at("2021-01-01")) },
});

test.for([
  [{ date: "2020-01-01" }, selected],
  [{ date: "2020-01-01T00:59:59+01:00" }, dropped],
  [{ date: "2020-12-31T23:59:59.999999Z" }, selected],
  [{ date: "2021-01-01" }, dropped],
  [{}, dropped],
  [{ date: "soon" }, "7: Field 'date' is no ISO 8601 date or time: \"soon\""],
] as const)("a time range is half-open: %j", ([fields, expected]) => {
  expect(select(range("date"), fields)).toBe(expected);
});

test("a time range without a field is one of create_time", () => {
  expect(select(range(""), {}, { createTimeMicros: at("2020-06-01") })).toBe(selected);
  expect(select(range(""), {}, { createTimeMicros: at("2021-06-01") })).toBe(dropped);
});

test("min_quality_score rejects what the conditions keep", () => {
  const selection = { conditions: [{ field: "theme", values: ["law"] }], minQualityScore: 0.6 };
  expect(select(selection, { theme: "law" }, { qualityScore: 0.6 })).toBe(selected);
  expect(select(selection, { theme: "law" }, { qualityScore: 0.5 })).toBe("13: Quality score 0.5 is below 0.6");
  expect(select(selection, { theme: "law" })).toBe("13: Quality score 0 is below 0.6");
  expect(select(selection, { theme: "x" })).toBe(dropped);
});

test("conditions are told as people write them, in checking order; the first that fails counts", () => {
  const selection = {
    conditions: [
      { field: "theme", values: ["Rechtssprechung"] },
      { field: "year", values: ["2020", "2021"] },
    ],
    ...range("date"),
    filter: "record.n > 1.0",
  };
  expect(rendererOf({ format: "text", selection }).conditions).toEqual([
    'theme = "Rechtssprechung"',
    'year in ["2020", "2021"]',
    "date >= 2020-01-01T00:00:00Z and date < 2021-01-01T00:00:00Z",
    "record.n > 1.0",
  ]);
  const fields = { theme: "Rechtssprechung", year: 2020, date: "2020-05-05", n: 1 };
  expect(select(selection, fields)).toBe("dropped 3");
  expect(select(selection, { ...fields, date: "2022-05-05" })).toBe("dropped 2");
  expect(select(selection, { ...fields, n: 2 })).toBe(selected);
});
