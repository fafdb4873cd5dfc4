import { join } from "node:path";
import { Command, Option } from "commander";
import { RenderVersionsRequest_Format as Format } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Registry } from "../../../typescript/src/index.ts";
import { withTransferBar } from "../../adapter/transfer-bar.ts";
import { InputError } from "../../failure.ts";
import { print, printJson } from "../../output.ts";
import { programOptions, reconnectSeconds, withRegistry } from "../../session.ts";

interface DownloadOptions {
  readonly output?: string;
  readonly layout?: string;
  readonly allowUnservable: boolean;
}

/** A version, and its folder where that is not one of the cache. */
interface Wanted {
  readonly name: string;
  readonly directory?: string;
}

export function download(): Command {
  return new Command("download")
    .description("fetch the files of versions, check each, and print their folders")
    .argument("<name...>", "legal@3 or legal@production, one or several")
    .option(
      "-o, --output <folder>",
      "for one version: a folder that is empty or not there; by default one of the cache, kept by its digest",
    )
    .addOption(
      new Option(
        "--layout <folder>",
        "each version below it, at adapters/<domain>/<method>-r<rank>-v<version>; what is there already stays",
      ).conflicts("output"),
    )
    .option("--allow-unservable", "also where a version may not be served", false)
    .action(run);
}

async function run(names: string[], options: DownloadOptions, command: Command): Promise<void> {
  const { allowUnservable } = options;
  await withRegistry(command, async (registry, signal) => {
    for (const { name, ...target } of await wanted(registry, names, options)) {
      const { version, folder, artifact } = await withTransferBar(`downloading ${name}`, (onProgress) =>
        registry.download(name, { ...target, allowUnservable, signal, reconnectSeconds, onProgress }),
      );
      if (programOptions(command).json) printJson({ version, folder, digest: artifact.digest });
      else print(folder);
    }
  });
}

async function wanted(registry: Registry, names: string[], { output, layout }: DownloadOptions): Promise<Wanted[]> {
  if (layout !== undefined) return await laidOut(registry, names, layout);
  if (output === undefined) return names.map((name) => ({ name }));
  if (names.length === 1) return names.map((name) => ({ name, directory: output }));
  throw new InputError(`--output is a folder of one version, not of ${names.length}: use --layout.`);
}

/** An alias may move before its download: versions go by their numbers, as their folders do. */
async function laidOut(registry: Registry, names: string[], layout: string): Promise<Wanted[]> {
  const versions = await Promise.all(names.map(async (name) => (await registry.getVersion(name)).name));
  const { content } = await registry.adapters.renderVersions({ versions, format: Format.FORMAT_FOLDER_LAYOUT });
  const folders = content.split("\n");
  return versions.map((name, place) => ({ name, directory: join(layout, folders[place] as string) }));
}
