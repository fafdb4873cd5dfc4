import { Command, Option } from "commander";
import { limits } from "../../../../services/kit/limits.ts";
import { AdapterVersion_State } from "../../../typescript/src/index.ts";
import { type interchangeFormats, toFormat } from "../../adapter/formats.ts";
import { printVersions } from "../../adapter/print-versions.ts";
import { InputError } from "../../failure.ts";
import { bytes, note } from "../../output.ts";
import { readText } from "../../read-text.ts";
import { withRegistry } from "../../session.ts";

interface ImportOptions {
  readonly format: string;
  readonly baseUri: string;
  readonly adapter: string;
  readonly validateOnly: boolean;
}

export function importVersions(): Command {
  const formats = ["adapter-metadata", "adapter-registry", "model-card"] satisfies (keyof typeof interchangeFormats)[];
  return new Command("import")
    .description(
      "make versions of what a document of others declares; adapter verify checks them, then they may be served",
    )
    .argument("<file>", "adapter_metadata.json, adapter_registry.json or README.md")
    .addOption(new Option("--format <format>", "format of the file").choices(formats).makeOptionMandatory())
    .option("--base-uri <uri>", "the document's paths are below this one, e.g. file:///models", "")
    .option(
      "--adapter <name>",
      "the adapter of a model card or an adapter_metadata.json; what the document names by default",
      "",
    )
    .option("--validate-only", "say what would come of it, and keep nothing", false)
    .action(run);
}

async function run(file: string, options: ImportOptions, command: Command): Promise<void> {
  const { baseUri, adapter, validateOnly } = options;
  const content = await readDocument(file);
  await withRegistry(command, async ({ adapters }) => {
    const request = { format: toFormat(options.format), content, baseUri, adapter, validateOnly };
    const { versions } = await adapters.importVersions(request);
    printVersions(versions, command);
    for (const { name, state } of versions)
      if (state === AdapterVersion_State.STATE_DELETED)
        note(`${name} was imported before, and is deleted: adapter restore ${name} brings it back.`);
    if (validateOnly) note("Nothing was kept.");
  });
}

/** Throws InputError for what no registry takes: a message of its size would not even arrive. */
async function readDocument(file: string): Promise<string> {
  const content = await readText(file);
  const size = Buffer.byteLength(content);
  if (size <= limits.import_bytes) return content;
  const most = `a document may have ${limits.import_bytes} bytes at most (import_bytes)`;
  throw new InputError(`${file} has ${size} bytes (${bytes(size)}); ${most}.`);
}
