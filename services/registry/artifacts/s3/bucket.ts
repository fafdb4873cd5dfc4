import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2Output,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { storageUnavailable } from "../artifact-errors.ts";

/** An object as a listing shows it. */
export interface ListedObject {
  readonly key: string;
  readonly byteCount: bigint;
  /** Changes with the content. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly writeTime: number;
}

export interface GetOptions {
  /** Refuses with 412 where the object is another one. */
  readonly etag?: string | undefined;
  /** First byte and the one after the last. */
  readonly range?: readonly [number, number];
}

/** A file of this machine that becomes an object. */
export interface SentFile {
  readonly file: string;
  readonly byteCount: bigint;
  /** SHA-256, 64 hex digits; the storage refuses other content. */
  readonly digest: string;
}

const attempts = 3;
/** Most keys of one DeleteObjects. */
const keysAtOnce = 1_000;

/** What the registry does with a bucket. Throws STORE_UNAVAILABLE. */
export class Bucket {
  readonly name: string;
  readonly #client: S3Client;

  constructor(client: S3Client, name: string) {
    this.#client = client;
    this.name = name;
  }

  /** All objects whose keys begin so, in order of their keys, page by page. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    for await (const { Contents = [] } of this.#pages({ Prefix: prefix })) {
      for (const { Key: key = "", Size = 0, ETag: etag = "", LastModified } of Contents) {
        yield { key, byteCount: BigInt(Size), etag, writeTime: LastModified?.getTime() ?? 0 };
      }
    }
  }

  /** Names of what follows the prefix up to the next `/`. */
  async *folders(prefix: string): AsyncGenerator<string> {
    for await (const { CommonPrefixes = [] } of this.#pages({ Prefix: prefix, Delimiter: "/" })) {
      for (const { Prefix = "" } of CommonPrefixes) yield Prefix.slice(prefix.length, -1);
    }
  }

  async has(key: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand({ Bucket: this.name, Key: key }));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw storageUnavailable(error);
    }
  }

  /** Rejects with the SDK's error; see `statusOf`. Destroy the stream, or read it to its end. */
  async get(key: string, { etag, range }: GetOptions): Promise<Readable> {
    const input = {
      Bucket: this.name,
      Key: key,
      ...(etag !== undefined && { IfMatch: etag }),
      ...(range && { Range: `bytes=${range[0]}-${range[1] - 1}` }),
    };
    return (await this.#client.send(new GetObjectCommand(input))).Body as Readable;
  }

  /** Sends a file; the object is there as a whole or not at all. */
  async putFile(key: string, sent: SentFile): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#sendFile(key, sent);
        return;
      } catch (error) {
        if (attempt === attempts || (statusOf(error) ?? 500) < 500) throw storageUnavailable(error);
      }
    }
  }

  async putText(key: string, text: string): Promise<void> {
    await this.#client
      .send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: text }))
      .catch((error: unknown) => {
        throw storageUnavailable(error);
      });
  }

  /** Removes all objects whose keys begin so. */
  async removeAll(prefix: string): Promise<void> {
    let keys: string[] = [];
    for await (const { key } of this.list(prefix)) {
      if (keys.push(key) < keysAtOnce) continue;
      await this.remove(keys);
      keys = [];
    }
    if (keys.length > 0) await this.remove(keys);
  }

  /** At most 1,000. Those that are not there are no error. */
  async remove(keys: readonly string[]): Promise<void> {
    const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
    try {
      const { Errors = [] } = await this.#client.send(new DeleteObjectsCommand({ Bucket: this.name, Delete }));
      if (Errors[0]) throw new Error(`${Errors[0].Key}: ${Errors[0].Code} ${Errors[0].Message}`);
    } catch (error) {
      throw storageUnavailable(error);
    }
  }

  /** The SDK cannot begin a stream again, nor does it see one fail: it would wait for the rest. */
  async #sendFile(key: string, { file, byteCount, digest }: SentFile): Promise<void> {
    const unreadable = new AbortController();
    const body = createReadStream(file).on("error", (error) => unreadable.abort(error));
    try {
      const command = new PutObjectCommand({
        Bucket: this.name,
        Key: key,
        Body: body,
        ContentLength: Number(byteCount),
        ChecksumSHA256: Buffer.from(digest, "hex").toString("base64"),
      });
      await this.#client.send(command, { abortSignal: unreadable.signal });
    } finally {
      body.destroy();
    }
  }

  async *#pages(options: { Prefix: string; Delimiter?: string }): AsyncGenerator<ListObjectsV2Output> {
    let token: string | undefined;
    do {
      const input = { Bucket: this.name, ...options, ...(token !== undefined && { ContinuationToken: token }) };
      const page: ListObjectsV2Output = await this.#client
        .send(new ListObjectsV2Command(input))
        .catch((error: unknown) => {
          throw storageUnavailable(error);
        });
      yield page;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }
}

/** HTTP status of an error of the SDK; undefined where no answer came. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
