import { createReadStream } from "node:fs";
import { linesOf } from "../../clients/cli/lines.ts";
import type { RecordInput } from "../../clients/typescript/src/index.ts";
import { demoRecords } from "./records.ts";

/** Every 20th record is held out: it is never trained on, and tells whether the adapter learns. */
const heldOutEvery = 20;

export interface Input {
  readonly training: RecordInput[];
  readonly heldOut: RecordInput[];
  /** Lines that are not JSON objects, as `place: problem`. */
  readonly problems: string[];
  readonly keys: ReadonlySet<string>;
}

/** The demo's own records, or the reader's files. */
export async function readInput(files: readonly string[]): Promise<Input> {
  const keys = new Set<string>();
  const input: Input = { training: [], heldOut: [], problems: [], keys };
  let number = 0;
  for await (const { place, line } of files.length === 0 ? generatedLines() : fileLines(files)) {
    number += 1;
    const fields = parse(line);
    if (typeof fields === "string") {
      input.problems.push(`${place}: ${fields}`);
      continue;
    }
    for (const key of Object.keys(fields)) keys.add(key);
    const id = fields["id"] === undefined ? `line-${String(number).padStart(8, "0")}` : String(fields["id"]);
    (number % heldOutEvery === 0 ? input.heldOut : input.training).push({ id, fieldsJson: line });
  }
  return input;
}

function* generatedLines(): Generator<{ place: string; line: string }> {
  for (const { id, line } of demoRecords(3600)) yield { place: id, line };
}

async function* fileLines(files: readonly string[]): AsyncGenerator<{ place: string; line: string }> {
  for (const file of files) {
    let number = 0;
    for await (const line of linesOf(createReadStream(file))) {
      number += 1;
      const text = line.toString();
      if (text.trim() !== "") yield { place: `${file}:${number}`, line: text };
    }
  }
}

function parse(line: string): Record<string, unknown> | string {
  try {
    const fields: unknown = JSON.parse(line);
    return typeof fields === "object" && fields !== null && !Array.isArray(fields)
      ? (fields as Record<string, unknown>)
      : "not a JSON object";
  } catch (error) {
    return `not JSON (${(error as Error).message})`;
  }
}
