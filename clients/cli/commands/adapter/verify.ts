import { Command } from "commander";
import type { FileDifference, Registry } from "../../../typescript/src/index.ts";
import { stateText } from "../../adapter/describe-version.ts";
import { jsonVersion } from "../../adapter/json-version.ts";
import { counted, print, printJson, printLines } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function verify(): Command {
  return new Command("verify")
    .description(
      "check a version's files again where the registry has them, or those of a folder; exits with 1 where something is wrong",
    )
    .argument("<name>", "legal@3 or legal@production")
    .option("--folder <folder>", "compare this folder with what was registered instead")
    .action(run);
}

async function run(name: string, options: { readonly folder?: string }, command: Command): Promise<void> {
  await withRegistry(command, async (registry, signal) => {
    const problems =
      options.folder === undefined
        ? await verifyThere(registry, name, command)
        : await verifyHere(registry, name, options.folder, signal, command);
    if (problems > 0) process.exitCode = 1;
  });
}

async function verifyThere(registry: Registry, name: string, command: Command): Promise<number> {
  const { version, problems } = await registry.adapters.verifyVersion({ version: name });
  if (programOptions(command).json) {
    printJson({ version: version && jsonVersion(version), problems });
    return problems.length;
  }
  printLines(problems.map(({ reason, message }) => `${message} [${reason}]`));
  if (version !== undefined) print(`${version.name} is ${stateText(version)}; ${faults(problems.length)}.`);
  return problems.length;
}

async function verifyHere(
  registry: Registry,
  name: string,
  folder: string,
  signal: AbortSignal,
  command: Command,
): Promise<number> {
  const differences = await registry.verifyFolder(name, folder, { signal });
  if (programOptions(command).json) printJson({ version: name, folder, differences });
  else {
    printLines(differences.map(differenceText));
    print(`${folder} ${differences.length === 0 ? "holds" : "does not hold"} the files of ${name}.`);
  }
  return differences.length;
}

function differenceText({ path, problem, expected, actual }: FileDifference): string {
  if (problem === "missing") return `${path} is missing.`;
  if (problem === "unexpected") return `${path} was not registered.`;
  if (actual === "") return `${path} is changed: it is a link, or no file; registered is ${expected}.`;
  return `${path} is changed: its SHA-256 is ${actual}, registered is ${expected}.`;
}

function faults(count: number): string {
  return count === 0 ? "its files are right" : counted(count, "fault");
}
