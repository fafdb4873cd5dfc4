import { Command } from "commander";
import { InputError } from "../failure.ts";
import { hubEndpoint, publicHub, readHubToken } from "../hub/hub-access.ts";
import { print, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { programOptions } from "../session.ts";

interface Options {
  readonly private?: true;
  readonly endpoint?: string;
  readonly tokenFile?: string;
}

/** An exported folder into a dataset repository. */
export function pushToHub(): Command {
  return new Command("push-to-hub")
    .description("put a folder that `loraloop export` wrote into a dataset repository of the Hugging Face Hub")
    .argument("<folder>", "the folder")
    .argument("<repository>", "owner/name; made where there is none")
    .option("--private", "make the repository private; refuse one that is public")
    .option("--endpoint <url>", `the hub (HF_ENDPOINT; else ${publicHub}); https, or http on this machine`)
    .option("--token-file <file>", "a file with the access token (else HF_TOKEN; else what `hf auth login` left)")
    .action(run);
}

async function run(folder: string, repo: string, options: Options, command: Command): Promise<void> {
  if (!/^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(repo)) {
    throw new InputError(`${repo} is not the name of a repository. Write it like owner/name.`);
  }
  const endpoint = hubEndpoint(options.endpoint ?? process.env["HF_ENDPOINT"] ?? publicHub);
  const token = readHubToken({ tokenFile: options.tokenFile, environment: process.env });
  const { pushFolder } = await import("../hub/push-folder.ts");
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  using progress = new PhaseProgress();
  const { signal } = controller;
  const isPrivate = options.private === true;
  const onProgress: PhaseProgress["update"] = (...counts) => progress.update(...counts);
  const result = await pushFolder({ folder, repo, endpoint, token, isPrivate, signal, onProgress });
  progress[Symbol.dispose]();
  if (programOptions(command).json) printJson(result);
  else print(`${folder} ${result.wasThere ? "was there already" : "is pushed"}: ${result.url}`);
}

const megabyte = 1e6;

/** One bar a phase, in megabytes. */
class PhaseProgress implements Disposable {
  #phase: string | undefined;
  #bar: Progress | undefined;

  update(phase: string, done: number, total: number): void {
    if (phase !== this.#phase) {
      this.#bar?.[Symbol.dispose]();
      this.#bar = new Progress(phase, Math.ceil(total / megabyte), "MB");
      this.#phase = phase;
    }
    const megabytes = Math.floor(done / megabyte);
    this.#bar?.update(megabytes, megabytes);
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }
}
