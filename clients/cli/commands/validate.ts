import { text } from "node:stream/consumers";
import { Command } from "commander";
import type { SchemaProblem, ValidateSampleRequest } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Client } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { count, print, printJson } from "../output.ts";
import { readText } from "../read-text.ts";
import { programOptions, withClient } from "../session.ts";

interface Options {
  readonly schema?: string;
  readonly dataset?: string;
}

interface Checked {
  readonly line: number;
  readonly valid: boolean;
  readonly problems: readonly SchemaProblem[];
}

/** Samples against a JSON Schema. */
export function validate(): Command {
  return new Command("validate")
    .description("check samples (one JSON object a line) against a JSON Schema or a dataset's")
    .argument("<file>", "JSONL file, or - for standard input")
    .option("--schema <file>", "a JSON Schema")
    .option("--dataset <name>", "a dataset with a schema; name@3 for version 3")
    .action(run);
}

async function run(file: string, options: Options, command: Command): Promise<void> {
  const schema = await toSchema(options);
  const content = file === "-" ? await text(process.stdin) : await readText(file);
  const json = programOptions(command).json === true;
  const checked = await withClient(command, (client, signal) => check(client, schema, content, signal));
  if (json) for (const answer of checked) printJson(answer);
  else report(file, checked);
  if (checked.some(({ valid }) => !valid)) process.exitCode = 1;
}

async function toSchema({ schema, dataset }: Options): Promise<ValidateSampleRequest["schema"]> {
  if ((schema === undefined) === (dataset === undefined))
    throw new InputError("Give either --schema FILE or --dataset NAME.");
  if (schema !== undefined) return { $case: "jsonSchema", value: await readText(schema) };
  return { $case: "dataset", value: dataset ?? "" };
}

async function check(
  client: Client,
  schema: ValidateSampleRequest["schema"],
  content: string,
  signal: AbortSignal,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const [place, sampleJson] of content.split("\n").entries()) {
    if (sampleJson.trim() === "") continue;
    const problem = jsonProblem(sampleJson);
    const answer =
      problem === undefined
        ? await client.export.validateSample({ schema, sampleJson }, { signal })
        : { valid: false, problems: [{ path: "", problem }] };
    checked.push({ line: place + 1, valid: answer.valid, problems: answer.problems });
  }
  return checked;
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
}

function report(file: string, checked: readonly Checked[]): void {
  for (const { line, problems } of checked) {
    for (const { path, problem } of problems) print(`${file}:${line}: ${path === "" ? "" : `${path}: `}${problem}`);
  }
  print(`${count(checked.length)} samples checked, ${count(checked.filter(({ valid }) => !valid).length)} invalid.`);
}
