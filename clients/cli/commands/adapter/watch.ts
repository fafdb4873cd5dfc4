import { Command } from "commander";
import { changeLine } from "../../adapter/change-line.ts";
import { jsonChange } from "../../adapter/json-version.ts";
import { note, printJson, printLines } from "../../output.ts";
import { toRevision } from "../../revision.ts";
import { programOptions, reconnectSeconds, withRegistry } from "../../session.ts";

export function watch(): Command {
  return new Command("watch")
    .description("print every change as it comes, until Ctrl-C")
    .argument("[adapter]", "only of this adapter", "")
    .option("--after <revision>", "begin with the changes after this revision instead of those from now on")
    .action(run);
}

async function run(adapter: string, { after }: { readonly after?: string }, command: Command): Promise<void> {
  const from = after === undefined ? {} : { afterRevision: toRevision("--after", after) };
  const json = programOptions(command).json;
  await withRegistry(command, async (registry, signal) => {
    if (!json) note("Watching; Ctrl-C ends it.");
    for await (const { revision, changes } of registry.watch({ adapter, signal, reconnectSeconds, ...from })) {
      for (const change of changes) {
        if (json) printJson({ revision, change: jsonChange(change) });
        else printLines([`${String(revision).padStart(8)}  ${changeLine(change)}`]);
      }
    }
  });
}
