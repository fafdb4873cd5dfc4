import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { interchangeFormats, toFormat } from "../../adapter/formats.ts";
import { note, printJson } from "../../output.ts";
import { toPlainLines } from "../../plain-text.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface RenderOptions {
  readonly format: string;
  readonly pathTemplate: string;
  readonly output?: string;
}

export function render(): Command {
  return new Command("render")
    .description("write versions in a format of others, e.g. the arguments of vllm serve")
    .argument("<name...>", "legal@3 or legal@production, one or several")
    .addOption(new Option("--format <format>").choices(Object.keys(interchangeFormats)).makeOptionMandatory())
    .option("--path-template <text>", "where the server has the files, e.g. /models/{adapter}/{version}", "")
    .option("-o, --output <file>", "a file instead of standard output")
    .action(run);
}

async function run(
  versions: string[],
  { format, pathTemplate, output }: RenderOptions,
  command: Command,
): Promise<void> {
  await withRegistry(command, async ({ adapters }) => {
    const rendered = await adapters.renderVersions({ versions, format: toFormat(format), pathTemplate });
    if (output !== undefined) await writeFile(output, rendered.content);
    if (programOptions(command).json) printJson(rendered);
    else if (output === undefined) process.stdout.write(forOutput(rendered.content));
    else note(`${output} is written.`);
  });
}

/** Programs get the document as it is; on a terminal nothing that somebody wrote moves the cursor. */
function forOutput(content: string): string {
  return process.stdout.isTTY ? toPlainLines(content) : content;
}
