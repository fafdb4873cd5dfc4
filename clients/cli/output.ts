import colors from "picocolors";
import type { Mixture_Exhaustion, WeightUse } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import type { RejectReason, Snapshot_State } from "../typescript/src/index.ts";
import { type Column, fitColumns } from "./fit-columns.ts";
import { exhaustionName, reasonName, stateName, weightUseName } from "./names.ts";
import { toOneLine, toPlainJson } from "./plain-text.ts";
import { cutText, textWidth } from "./text-width.ts";

/** Prints a value as one line of JSON, see toJson. */
export function printJson(value: unknown): void {
  process.stdout.write(`${toPlainJson(toJson(value))}\n`);
}

/**
 * Messages as the protos and dataset files write them: snake_case keys, names of enum values, ISO times, bytes as hex,
 * bigints as numbers or, beyond 2^53, as strings; a `oneof` is the key of its case.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(plain(value), undefined, indent);
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (isTimestamp(value)) return isoTime(value);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => plainEntry(key, part)));
}

function plainEntry(key: string, value: unknown): [string, unknown] {
  if (isCase(value)) return [snakeCase(value.$case), plain(value.value)];
  if (key === "state" && typeof value === "number") return [key, stateName(value as Snapshot_State)];
  if (key === "reason" && typeof value === "number") return [key, reasonName(value as RejectReason)];
  if (key === "adapterMetadataJson") return ["adapter_metadata", value === "" ? undefined : JSON.parse(String(value))];
  // Of a dataset's splits none is selected, and dataset files know no such key.
  if (key === "selected" && value === "") return [key, undefined];
  if (key === "weightUse") return ["weight_use", weightUseName(value as WeightUse)];
  if (key === "exhaustion") return [key, exhaustionName(value as Mixture_Exhaustion)];
  if (namedKeys.has(key) && value !== undefined && !Array.isArray(value))
    return [snakeCase(key), plainNames(value as object)];
  return [snakeCase(key), plain(value)];
}

/** Maps whose keys are names that somebody gave: they stay as they are. */
const namedKeys: ReadonlySet<string> = new Set([
  ...["mapping", "metrics", "packageVersions", "metadata", "rankPattern", "alphaPattern"],
]);

function plainNames(map: object): unknown {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, plain(value)]));
}

function isoTime({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): string {
  const micros = String(Math.floor(nanos / 1000)).padStart(6, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}

function isCase(value: unknown): value is { readonly $case: string; readonly value: unknown } {
  return typeof value === "object" && value !== null && "$case" in value;
}

function isTimestamp(value: object): value is { readonly seconds: bigint; readonly nanos: number } {
  return "seconds" in value && "nanos" in value;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** For people who watch: never mixed into what a program reads. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

type Cell = string | number;

/** Columns as wide as their widest cell, on a terminal cut to its width; the first names what a row is of, unless it is a time; numbers to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const lines = rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell : toOneLine(cell))));
  const columns = head.map((name, place) =>
    columnOf(
      name,
      place,
      lines.map((row) => String(row[place])),
    ),
  );
  const widths = fitColumns(columns, process.stdout.columns);
  print(colors.bold(lineOf(head, widths)));
  for (const row of lines) print(lineOf(row, widths));
}

function columnOf(head: string, place: number, cells: readonly string[]): Column {
  const width = cells.reduce((widest, cell) => Math.max(widest, textWidth(cell)), head.length);
  if (cells.every(isTime)) return { width, kind: "time" };
  return { width, kind: place === 0 ? "name" : "other" };
}

/** As `time` prints it. */
function isTime(text: string): boolean {
  return /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|-)$/.test(text);
}

function lineOf(row: readonly Cell[], widths: readonly number[]): string {
  return row
    .map((cell, column) => align(cell, widths[column] ?? 0))
    .join("  ")
    .trimEnd();
}

/** Lines with what somebody has written in them. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) print(toOneLine(line));
}

function align(cell: Cell, width: number): string {
  if (typeof cell === "number") return String(cell).padStart(width);
  const text = cutText(cell, width);
  return text.padEnd(width + text.length - textWidth(text));
}

export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 sample`, `1,200 samples`. */
export function counted(value: number | bigint, noun: string): string {
  return `${count(value)} ${noun}${BigInt(value) === 1n ? "" : "s"}`;
}

export function bytes(value: number | bigint): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = Number(value);
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}

/** ISO time to the second, or "-". */
export function time(timestamp: { readonly seconds: bigint } | undefined): string {
  return timestamp === undefined
    ? "-"
    : new Date(Number(timestamp.seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");
}
