import { join } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import type { TenantId } from "../../../store/store.ts";
import type { ArtifactFiles, ArtifactStore, StagedFiles } from "../artifact-store.ts";
import { Bucket } from "./bucket.ts";
import { BucketFiles } from "./files.ts";

/**
 * Artifacts in a bucket: `<prefix>/t<tenant>/<digest>/<path>`. Beside each folder lies its manifest, `<digest>.json`, which is written
 * last: what has none is not there.
 */
export class S3ArtifactStore implements ArtifactStore {
  readonly #bucket: Bucket;
  readonly #prefix: string;

  /** `prefix`: before the names of all objects, without a `/` at its end; may be empty. */
  constructor(client: S3Client, bucket: string, prefix: string) {
    this.#bucket = new Bucket(client, bucket);
    this.#prefix = prefix === "" ? "" : `${prefix}/`;
  }

  uri(tenant: TenantId, digest: string): string {
    return `s3://${this.#bucket.name}/${this.#key(tenant, digest)}`;
  }

  async put(tenant: TenantId, digest: string, { folder, files }: StagedFiles): Promise<void> {
    const key = this.#key(tenant, digest);
    // What lies there may be damaged: it is written again.
    for (const { path, byteCount, digest: fileDigest } of files) {
      await this.#bucket.putFile(`${key}/${path}`, { file: join(folder, path), byteCount, digest: fileDigest });
    }
    const lines = files.map((file) => ({ path: file.path, byte_count: Number(file.byteCount), digest: file.digest }));
    await this.#bucket.putText(manifest(key), JSON.stringify({ digest, files: lines }));
  }

  async open(tenant: TenantId, digest: string): Promise<ArtifactFiles | undefined> {
    const key = this.#key(tenant, digest);
    return (await this.#bucket.has(manifest(key))) ? new BucketFiles(this.#bucket, `${key}/`) : undefined;
  }

  async remove(tenant: TenantId, digest: string): Promise<void> {
    const key = this.#key(tenant, digest);
    await this.#bucket.remove([manifest(key)]);
    await this.#bucket.removeAll(`${key}/`);
  }

  digests(tenant: TenantId): AsyncIterable<string> {
    return this.#bucket.folders(this.#key(tenant, ""));
  }

  async writeTime(tenant: TenantId, digest: string): Promise<number | undefined> {
    let newest: number | undefined;
    for await (const { writeTime } of this.#bucket.list(`${this.#key(tenant, digest)}/`)) {
      newest = Math.max(newest ?? 0, writeTime);
    }
    return newest;
  }

  #key(tenant: TenantId, digest: string): string {
    return `${this.#prefix}t${tenant}/${digest}`;
  }
}

function manifest(key: string): string {
  return `${key}.json`;
}
