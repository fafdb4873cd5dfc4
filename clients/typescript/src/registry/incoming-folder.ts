import { createHash, type Hash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Artifact, ArtifactFile } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { FileError, TruncatedStreamError } from "../errors.ts";
import { compareFiles } from "./compare-files.ts";
import { readFolder } from "./folder-files.ts";

/** What a download that is under way is called, beside the folder that it becomes. */
export const UNFINISHED = ".part";

/** Files of an artifact that come one after the other, checked while they are written, into a folder that appears whole or not at all. */
export class IncomingFolder implements AsyncDisposable {
  readonly #target: string;
  readonly #unfinished: string;
  readonly #expected: readonly ArtifactFile[];
  #begun = 0;
  #current: { readonly file: FileHandle; readonly hash: Hash; bytes: number } | undefined;

  constructor(target: string, artifact: Artifact) {
    this.#target = target;
    this.#unfinished = `${target}.${randomUUID()}${UNFINISHED}`;
    this.#expected = artifact.files;
  }

  /** Begins a file. Throws TruncatedStreamError unless it is the next one, and the one before it came whole. */
  async begin({ path }: ArtifactFile): Promise<void> {
    await this.#end();
    const expected = this.#expected[this.#begun];
    if (expected?.path !== path)
      throw new TruncatedStreamError(`File ${path} came where ${expected?.path ?? "the end"} was due.`);
    if (!isInside(path)) throw new TruncatedStreamError(`${path} would lie outside of its folder.`);
    const place = join(this.#unfinished, path);
    await mkdir(dirname(place), { recursive: true });
    this.#current = { file: await open(place, "wx"), hash: createHash("sha256"), bytes: 0 };
    this.#begun += 1;
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.#current === undefined) throw new TruncatedStreamError("Bytes came before their file.");
    this.#current.hash.update(data);
    this.#current.bytes += data.length;
    await this.#current.file.writeFile(data);
  }

  /** Everything has come: the folder is there. Throws where something else stands in its place. */
  async finish(): Promise<void> {
    await this.#end();
    if (this.#begun !== this.#expected.length)
      throw new TruncatedStreamError(`${this.#begun} files came of ${this.#expected.length}.`);
    await rename(this.#unfinished, this.#target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.file.close();
    await rm(this.#unfinished, { recursive: true, force: true });
  }

  /** Ends the file that is being written: it must be the one that was registered. */
  async #end(): Promise<void> {
    const current = this.#current;
    const expected = this.#expected[this.#begun - 1];
    if (current === undefined || expected === undefined) return;
    await current.file.sync();
    await current.file.close();
    this.#current = undefined;
    const digest = current.hash.digest("hex");
    if (digest === expected.digest && BigInt(current.bytes) === expected.byteCount) return;
    throw new TruncatedStreamError(`${expected.path} came with SHA-256 ${digest}, registered is ${expected.digest}.`);
  }
}

/** Whether a folder holds exactly these files. Rejects where it cannot be read: that says nothing. */
export async function holdsFiles(folder: string, { files }: Artifact): Promise<boolean> {
  try {
    return compareFiles(files, await readFolder(folder)).length === 0;
  } catch (error) {
    // Not there, or with something in it that no registry sends.
    if (error instanceof FileError || isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** What the server says is not trusted with the rest of the disk. */
function isInside(path: string): boolean {
  return !/[\\\0]/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
