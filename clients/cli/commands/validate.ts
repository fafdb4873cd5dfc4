import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { InputError } from "../failure.ts";
import { count, print, printJson } from "../output.ts";
import { programOptions, withClient } from "../session.ts";

interface Options {
  readonly schema?: string;
  readonly dataset?: string;
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
  if ((options.schema === undefined) === (options.dataset === undefined)) throw new InputError("Give either --schema FILE or --dataset NAME.");
  const schema =
    options.schema === undefined
      ? ({ $case: "dataset", value: options.dataset ?? "" } as const)
      : ({ $case: "jsonSchema", value: await readFile(options.schema, "utf8") } as const);
  const content = file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  const json = programOptions(command).json === true;
  let [checked, invalid] = [0, 0];
  await withClient(command, async (client, signal) => {
    for (const [place, sampleJson] of content.split("\n").entries()) {
      if (sampleJson.trim() === "") continue;
      const { valid, problems } = await client.export.validateSample({ schema, sampleJson }, { signal });
      checked += 1;
      invalid += valid ? 0 : 1;
      if (json) printJson({ line: place + 1, valid, problems });
      else for (const { path, problem } of problems) print(`${file}:${place + 1}: ${path === "" ? "" : `${path}: `}${problem}`);
    }
  });
  if (!json) print(`${count(checked)} samples checked, ${count(invalid)} invalid.`);
  if (invalid > 0) process.exitCode = 1;
}
