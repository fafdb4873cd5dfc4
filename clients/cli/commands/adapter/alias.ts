import { Command } from "commander";
import { toAlias, toNumber } from "../../adapter/version-name.ts";
import { InputError } from "../../failure.ts";
import { print, printJson } from "../../output.ts";
import { toRevision } from "../../revision.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface AliasOptions {
  readonly remove: boolean;
  readonly expect?: string;
  readonly reason: string;
}

export function alias(): Command {
  return new Command("alias")
    .description("point an alias at a version")
    .argument("<name>", "legal@production")
    .argument("[version]", "number of the version")
    .option("--remove", "take the alias away", false)
    .option("--expect <revision>", "only if nobody moved it since this revision; 0: only if it is new")
    .option("--reason <text>", "why; kept in its history", "")
    .action(run);
}

async function run(name: string, to: string | undefined, options: AliasOptions, command: Command): Promise<void> {
  const moved = toAlias(name);
  if ((to === undefined) !== options.remove) throw new InputError("Give either a version or --remove.");
  const version = to === undefined ? 0 : toNumber(to, moved.adapter);
  const expected = options.expect === undefined ? {} : { expectedRevision: toRevision("--expect", options.expect) };
  await withRegistry(command, async (registry) => {
    const { reason } = options;
    const move = await registry.moveAlias(moved.adapter, moved.alias, version, { reason, ...expected });
    if (programOptions(command).json) printJson(move);
    else if (move.toVersion === 0) print(`${name} is removed; it pointed at ${move.fromVersion}.`);
    else
      print(`${name} points at ${move.toVersion}${move.fromVersion === 0 ? "" : `, before at ${move.fromVersion}`}.`);
  });
}
