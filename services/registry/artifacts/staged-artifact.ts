import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limitExceeded } from "../../kit/field.ts";
import { syncFolder } from "../../kit/folders.ts";
import { limits } from "../../kit/limits.ts";
import { artifactDigest } from "./artifact-digest.ts";
import { artifactInvalid, storageUnavailable } from "./artifact-errors.ts";
import { checkArtifactPath, comparePaths } from "./artifact-path.ts";
import type { StagedFiles } from "./artifact-store.ts";
import { checkPickleName } from "./pickles.ts";
import { StagedFile } from "./staged-file.ts";

/** An artifact while it comes in, file after file, into a folder of its own; disposing of it removes what is left there. */
export class StagedArtifact implements StagedFiles, AsyncDisposable {
  readonly folder: string;
  readonly files: ArtifactFile[] = [];
  readonly #maximumBytes: bigint;
  readonly #ended: () => void;
  readonly #folders = new Set<string>();
  #file: StagedFile | undefined;
  #byteCount = 0n;

  /** `folder` is there and empty; `ended` is called when it is gone. */
  constructor(folder: string, maximumBytes: bigint, ended: () => void) {
    this.folder = folder;
    this.#maximumBytes = maximumBytes;
    this.#ended = ended;
  }

  /** Ends the file before, and begins one. Throws ARTIFACT_INVALID, ADAPTER_FILE_FORBIDDEN, LIMIT_EXCEEDED. */
  async begin(path: string, byteCount: bigint): Promise<void> {
    await this.#finishFile();
    this.#check(path, byteCount);
    const full = join(this.folder, path);
    await onDisk(async () => {
      this.#folders.add(dirname(full));
      await mkdir(dirname(full), { recursive: true });
      this.#file = await StagedFile.create(full, path, byteCount);
    }, path);
  }

  /** Appends to the file. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#file === undefined) throw artifactInvalid("There are bytes before the first file.");
    await onDisk(() => this.#file?.write(data));
  }

  /** Ends the last file. All is on disk then. Throws ARTIFACT_INVALID where it is not the artifact of this digest. */
  async finish(digest: string): Promise<void> {
    await this.#finishFile();
    if (this.files.length === 0) throw artifactInvalid("It has no file.");
    const actual = artifactDigest(this.files);
    if (actual !== digest) throw artifactInvalid(`The digest of the files that came is ${actual}, not ${digest}.`);
    await onDisk(() => this.#syncFolders());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each is done, whatever comes of those before it.
    await using ending = new AsyncDisposableStack();
    ending.defer(this.#ended);
    ending.defer(() => rm(this.folder, { recursive: true, force: true }));
    ending.use(this.#file);
  }

  #check(path: string, byteCount: bigint): void {
    checkArtifactPath(path);
    checkPickleName(path);
    const before = this.files.at(-1)?.path;
    if (before !== undefined && comparePaths(before, path) >= 0) {
      throw artifactInvalid(`comes after ${JSON.stringify(before)}: files come in order of their paths' bytes`, path);
    }
    const count = this.files.length + 1;
    if (count > limits.artifact_files) throw limitExceeded("artifact_files", count, "The number of files");
    this.#checkLength(byteCount);
  }

  #checkLength(byteCount: bigint): void {
    if (byteCount > limits.artifact_file_bytes) {
      throw limitExceeded("artifact_file_bytes", byteCount, "The length of a file");
    }
    this.#byteCount += byteCount;
    if (this.#byteCount > this.#maximumBytes) throw tooLarge(this.#byteCount, this.#maximumBytes);
  }

  async #finishFile(): Promise<void> {
    const file = await onDisk(() => this.#file?.finish());
    if (file !== undefined) this.files.push(file);
    this.#file = undefined;
  }

  /** Names of files are on disk when their folders are; `#folders` lacks those that only hold folders. */
  async #syncFolders(): Promise<void> {
    const all = new Set([this.folder]);
    for (const folder of this.#folders) {
      for (let one = folder; one.length > this.folder.length; one = dirname(one)) all.add(one);
    }
    for (const folder of all) await syncFolder(folder);
  }
}

function tooLarge(actual: bigint, maximum: bigint): ServiceError {
  const metadata = { limit: "maximum_artifact_gib", maximum: String(maximum), actual: String(actual) };
  const message = `The files have ${actual} bytes together; the registry takes ${maximum} (maximum_artifact_gib).`;
  return new ServiceError("LIMIT_EXCEEDED", message, metadata);
}

/** Runs what writes, and says what its failure means to the caller. */
async function onDisk<Result>(action: () => Promise<Result> | undefined, path?: string): Promise<Result | undefined> {
  try {
    return await action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR") {
      throw artifactInvalid("is, to the registry's disk, another file or folder of the artifact too", path);
    }
    throw error instanceof ServiceError ? error : storageUnavailable(error);
  }
}
