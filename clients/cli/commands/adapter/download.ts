import { Command } from "commander";
import { withTransferBar } from "../../adapter/transfer-bar.ts";
import { print, printJson } from "../../output.ts";
import { programOptions, reconnectSeconds, withRegistry } from "../../session.ts";

interface DownloadOptions {
  readonly output?: string;
  readonly allowUnservable: boolean;
}

export function download(): Command {
  return new Command("download")
    .description("fetch a version's files, check each, and print their folder")
    .argument("<name>", "legal@3 or legal@production")
    .option(
      "-o, --output <folder>",
      "a folder that is empty or not there; by default one of the cache, kept by its digest",
    )
    .option("--allow-unservable", "also where the version may not be served", false)
    .action(run);
}

async function run(name: string, { output, allowUnservable }: DownloadOptions, command: Command): Promise<void> {
  await withRegistry(command, async (registry, signal) => {
    const target = output === undefined ? {} : { directory: output };
    const options = { ...target, allowUnservable, signal, reconnectSeconds };
    const { version, folder, artifact } = await withTransferBar("downloading", (onProgress) =>
      registry.download(name, { ...options, onProgress }),
    );
    if (programOptions(command).json) printJson({ version, folder, digest: artifact.digest });
    else print(folder);
  });
}
