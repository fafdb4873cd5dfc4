import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Artifact, ArtifactFile } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { TruncatedStreamError } from "../errors.ts";
import { moveInto, moveOnto } from "./move-folder.ts";
import { unfinishedName } from "./unfinished.ts";

/** Files of an artifact that come one after the other, checked while they are written, into a folder that appears whole or not at all. */
export class IncomingFolder implements AsyncDisposable {
  readonly #folder: string;
  readonly #room: string;
  readonly #unfinished: string;
  readonly #expected: readonly ArtifactFile[];
  #begun = 0;
  #current: { readonly file: FileHandle; readonly hash: Hash; bytes: number } | undefined;

  /** @param room where the files gather: the folder itself, or the one above it */
  constructor(folder: string, room: string, artifact: Artifact) {
    this.#folder = folder;
    this.#room = room;
    this.#unfinished = join(room, unfinishedName(artifact.digest));
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

  /** Everything has come: the folder is there. False where something else stands in its place. */
  async finish(): Promise<boolean> {
    await this.#end();
    if (this.#begun !== this.#expected.length)
      throw new TruncatedStreamError(`${this.#begun} files came of ${this.#expected.length}.`);
    const takePlace = this.#room === this.#folder ? moveInto : moveOnto;
    return await takePlace(this.#unfinished, resolve(this.#folder));
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

/** What the server says is not trusted with the rest of the disk. */
function isInside(path: string): boolean {
  return !/[\\\0]/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
