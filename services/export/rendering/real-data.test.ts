import { expect, test } from "vitest";
import { readRecords, realFiles } from "../../../test/data/real-data.ts";
import { at, fieldsOf, rendererOf, storedRecord } from "./rendering-fixture.ts";
import { withWeight } from "./weight-text.ts";

const courtFiles = realFiles("court-decisions");
const gsm8kFiles = realFiles("gsm8k");

type Row = Readonly<Record<string, string>> & { readonly id: string };

function rowsOf(files: readonly string[] | undefined): Row[] {
  return readRecords(files ?? []) as Row[];
}

function linesOf(spec: Parameters<typeof rendererOf>[0], rows: readonly Row[]): string[] {
  const renderer = rendererOf(spec, at("2026-01-01"));
  return rows.flatMap((row) => {
    const outcome = renderer.render(row.id, storedRecord(row, { createTimeMicros: at("2025-07-02T12:00:00Z") }));
    return outcome.kind === "sample" ? [withWeight(outcome.line, outcome.weightMicros)] : [];
  });
}

/** The same weight, computed another way. */
function weightOf(text: string, time: string | undefined): string {
  const age = (Date.UTC(2026, 0, 1) - Date.parse(time ?? "2025-07-02T12:00:00Z")) / 86_400_000 / 365;
  const weight = (1 + Math.min(0.5, [...text].length / 2000)) * (1 + 0.5 * Math.max(0, 1 - Math.max(0, age)));
  const decimals = (Math.floor(weight * 1e6 + 0.5) / 1e6).toFixed(6).replace(/0+$/, "");
  return decimals.endsWith(".") ? `${decimals}0` : decimals;
}

test.skipIf(courtFiles === undefined)("court decisions by domain and date", () => {
  const rows = rowsOf(courtFiles);
  const spec = {
    format: "text",
    selection: {
      conditions: [{ field: "domain", values: ["zivilrecht", "steuerrecht"] }],
      timeRange: { field: "created_at", startTime: { seconds: 1_483_228_800n } },
    },
    weighting: { autoWeightByLength: true, freshness: { timestampField: "created_at" } },
    metadataFields: ["court", "created_at"],
  };
  const expected = rows
    .filter(({ domain }) => domain === "zivilrecht" || domain === "steuerrecht")
    .filter(({ created_at: time }) => time !== undefined && time >= "2017-01-01")
    .map(({ text = "", court, created_at: time }) =>
      JSON.stringify({ text, metadata: { court, created_at: time } }).replace(
        /\}$/,
        `,"weight":${weightOf(text, time)}}`,
      ),
    );
  expect(expected.length).toBeGreaterThan(100);
  expect(linesOf(spec, rows)).toEqual(expected);
});

test.skipIf(courtFiles === undefined)("records without a date are as old as their record", () => {
  const rows = rowsOf(courtFiles?.slice(0, 1)).filter(({ created_at: time }) => time === undefined);
  const spec = { format: "text", weighting: { autoWeightByLength: true, freshness: { timestampField: "created_at" } } };
  const expected = rows.map(
    ({ text = "" }) => `{"text":${JSON.stringify(text)},"weight":${weightOf(text, undefined)}}`,
  );
  expect(expected.length).toBeGreaterThan(0);
  expect(linesOf(spec, rows)).toEqual(expected);
});

test.skipIf(gsm8kFiles === undefined)("gsm8k as instructions with a schema", () => {
  const rows = rowsOf(gsm8kFiles);
  const properties = {
    instruction: { type: "string", minLength: 60 },
    output: { type: "string", pattern: "[0-9.]$" },
  };
  const spec = {
    format: "instruction",
    mapping: fieldsOf({ instruction: "question", output: "answer" }),
    schemaValidation: { jsonSchema: JSON.stringify({ properties, required: ["instruction", "output"] }) },
    weighting: {},
  };
  const expected = rows
    .filter(({ question = "", answer = "" }) => [...question].length >= 60 && /[0-9.]$/.test(answer))
    .map(({ question, answer }) => JSON.stringify({ instruction: question, output: answer, weight: 1 }))
    .map((line) => line.replace(/1\}$/, "1.0}"));
  expect(expected.length).toBeGreaterThan(1000);
  expect(linesOf(spec, rows)).toEqual(expected);
});
