import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { artifactInvalid } from "./artifact-errors.ts";
import { checkPickleHead, HEAD_BYTES } from "./pickles.ts";

/** Nobody writes to an artifact. */
const readOnly = 0o444;

/** A file of an artifact while it comes in. */
export class StagedFile implements AsyncDisposable {
  readonly #path: string;
  readonly #byteCount: bigint;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  #head = Buffer.alloc(0);
  #written = 0n;

  private constructor(path: string, byteCount: bigint, handle: FileHandle) {
    this.#path = path;
    this.#byteCount = byteCount;
    this.#handle = handle;
  }

  /** @param full where it is written; a file must not be there */
  static async create(full: string, path: string, byteCount: bigint): Promise<StagedFile> {
    return new StagedFile(path, byteCount, await open(full, "wx", readOnly));
  }

  /** Appends. Throws ARTIFACT_INVALID beyond the announced length, ADAPTER_FILE_FORBIDDEN once its head is there and is a pickle's. */
  async write(data: Uint8Array): Promise<void> {
    this.#written += BigInt(data.length);
    if (this.#written > this.#byteCount) throw this.#wrongLength();
    if (this.#head.length < HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, data.subarray(0, HEAD_BYTES - this.#head.length)]);
      // Less of it may look like a pickle, as the length of a safetensors header does.
      if (this.#head.length === Math.min(HEAD_BYTES, Number(this.#byteCount))) checkPickleHead(this.#path, this.#head);
    }
    this.#hash.update(data);
    await this.#handle.appendFile(data);
  }

  /** Ends the file; its content is on disk then. Throws ARTIFACT_INVALID before the announced length. */
  async finish(): Promise<ArtifactFile> {
    if (this.#written < this.#byteCount) throw this.#wrongLength();
    await this.#handle.sync();
    await this.#handle.close();
    return { path: this.#path, byteCount: this.#byteCount, digest: this.#hash.digest("hex") };
  }

  /** Closes it, finished or not. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }

  #wrongLength() {
    const shown = this.#written > this.#byteCount ? `more than ${this.#byteCount}` : `only ${this.#written}`;
    return artifactInvalid(`has ${shown} of the ${this.#byteCount} bytes that were announced`, this.#path);
  }
}
