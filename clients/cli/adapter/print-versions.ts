import type { Command } from "commander";
import type { AdapterVersion } from "../../typescript/src/index.ts";
import { print, printJson, printLines, printTable, time } from "../output.ts";
import { programOptions } from "../session.ts";
import { baseModelText, methodText, metricsText, standingText, versionLines } from "./describe-version.ts";
import { jsonVersion } from "./json-version.ts";

/** A table, or an array of JSON. */
export function printVersions(versions: readonly AdapterVersion[], command: Command): void {
  if (programOptions(command).json) printJson(versions.map(jsonVersion));
  else printTable(head, versions.map(rowOf));
}

const head = ["VERSION", "STATE", "LABEL", "BASE MODEL", "METHOD", "DOMAINS", "METRICS", "REGISTERED"];

function rowOf(version: AdapterVersion): string[] {
  return [
    version.name,
    standingText(version),
    version.label || "-",
    baseModelText(version),
    methodText(version),
    version.domains.join(", ") || "-",
    metricsText(version),
    time(version.createTime),
  ];
}

/** What became of a version: JSON, or a line that `outcome` makes of it. */
export function printOutcome(
  version: AdapterVersion | undefined,
  command: Command,
  outcome: (version: AdapterVersion) => string,
): void {
  if (version === undefined) return;
  if (programOptions(command).json) printJson(jsonVersion(version));
  else print(outcome(version));
}

/** Everything about a version, and its files. */
export function printVersion(version: AdapterVersion, command: Command): void {
  if (programOptions(command).json) printJson(jsonVersion(version));
  else describe(version);
}

function describe(version: AdapterVersion): void {
  printLines(versionLines(version));
  const files = version.artifact?.files ?? [];
  if (files.length === 0) return;
  print();
  printTable(
    ["FILE", "BYTES", "SHA-256"],
    files.map(({ path, byteCount, digest }) => [path, Number(byteCount), digest]),
  );
}
