import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { limitExceeded } from "../../../kit/field.ts";
import { limits } from "../../../kit/limits.ts";
import { fileChanged, fileMissing, storageUnavailable } from "../artifact-errors.ts";
import { checkArtifactPath, comparePaths } from "../artifact-path.ts";
import { type ArtifactFiles, type ListedFile, PIECE_BYTES } from "../artifact-store.ts";
import { checkPickleHead, checkPickleName, HEAD_BYTES } from "../pickles.ts";
import { type Bucket, type GetOptions, type ListedObject, statusOf } from "./bucket.ts";

/** Beginnings of files that are read at the same time. */
const headsAtOnce = 16;

/** Files that are objects whose keys begin alike. */
export class BucketFiles implements ArtifactFiles {
  readonly #bucket: Bucket;
  readonly #prefix: string;
  /** What the objects were when they were listed. */
  readonly #etags = new Map<string, string>();

  /** `prefix`: what comes before the paths, with its `/`; empty for all of the bucket. */
  constructor(bucket: Bucket, prefix: string) {
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async list(): Promise<readonly ListedFile[]> {
    const listed: ListedFile[] = [];
    for await (const object of this.#bucket.list(this.#prefix)) {
      const path = object.key.slice(this.#prefix.length);
      if (isFolderMark(path, object)) continue;
      checkArtifactPath(path);
      checkPickleName(path);
      const count = listed.push({ path, byteCount: object.byteCount });
      if (count > limits.artifact_files) {
        throw limitExceeded("artifact_files", count, "The number of files (counting ended there)");
      }
      this.#etags.set(path, object.etag);
    }
    for (let start = 0; start < listed.length; start += headsAtOnce) {
      await Promise.all(listed.slice(start, start + headsAtOnce).map((file) => this.#checkHead(file)));
    }
    return listed.sort((a, b) => comparePaths(a.path, b.path));
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array();
    const bytes = await this.#receive(path, { range: [offset, offset + length] }, buffer);
    if (bytes.length === length) return bytes;
    throw fileChanged(path, `${offset + length} bytes`, `${offset + bytes.length} bytes`);
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const body = await this.#receive(path, {}, async (stream) => stream);
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        for (let start = 0; start < chunk.length; start += PIECE_BYTES)
          yield chunk.subarray(start, start + PIECE_BYTES);
      }
    } catch (error) {
      throw storageUnavailable(error);
    } finally {
      body.destroy();
    }
  }

  async #checkHead({ path, byteCount }: ListedFile): Promise<void> {
    const length = Math.min(Number(byteCount), HEAD_BYTES);
    checkPickleHead(path, Buffer.from(await this.read(path, 0, length)));
  }

  async #receive<Result>(
    path: string,
    options: GetOptions,
    read: (stream: Readable) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await read(await this.#bucket.get(this.#prefix + path, { ...options, etag: this.#etags.get(path) }));
    } catch (error) {
      throw readError(path, error);
    }
  }
}

/** Consoles and tools make empty objects so that a folder is shown. */
function isFolderMark(path: string, { byteCount }: ListedObject): boolean {
  return (path === "" || path.endsWith("/")) && byteCount === 0n;
}

function readError(path: string, error: unknown): Error {
  switch (statusOf(error)) {
    case 404:
      return fileMissing(path);
    case 412:
      return fileChanged(path, "as it was listed", "a changed object");
    case 416:
      return fileChanged(path, "a longer object", "one that ends before");
    default:
      return storageUnavailable(error);
  }
}
