import { Command } from "commander";
import { jsonLineage } from "../../adapter/json-version.ts";
import { lineageTree } from "../../adapter/lineage-tree.ts";
import { treeLines } from "../../adapter/tree.ts";
import { InputError } from "../../failure.ts";
import { note, printJson, printLines } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function lineage(): Command {
  return new Command("lineage")
    .description("draw what a version came from: run, snapshots, records and whose they are, parents and children")
    .argument("<name>", "legal@3 or legal@production")
    .option("--records <number>", "records to tell of each snapshot, up to 1,000; 0 needs no export.read", "10")
    .action(run);
}

async function run(name: string, options: { readonly records: string }, command: Command): Promise<void> {
  if (!/^\d{1,4}$/.test(options.records)) throw new InputError(`--records is not a number: ${options.records}`);
  await withRegistry(command, async (registry) => {
    const found = await registry.getLineage(name, { records: Number(options.records) });
    if (programOptions(command).json) return printJson(jsonLineage(found));
    printLines(treeLines(lineageTree(found)));
    if (found.unavailable !== "") note(`Of run and records nothing is known now: ${found.unavailable}`);
  });
}
