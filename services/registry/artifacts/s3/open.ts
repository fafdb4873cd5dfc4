import { S3Client } from "@aws-sdk/client-s3";
import type { ArtifactStore } from "../artifact-store.ts";
import type { LocatedFiles } from "../artifact-uri.ts";
import { openLocation } from "./location.ts";
import { S3ArtifactStore } from "./store.ts";

export interface S3Options {
  /** `http(s)://host:port`; Amazon's by default. */
  readonly endpoint: string | undefined;
  readonly region: string;
}

/** What the registry has in one S3 service. Loading this file loads the SDK, which takes tens of megabytes. */
export interface S3 extends Disposable {
  /** Artifacts in a bucket, below a prefix that has no `/` at its end and may be empty. */
  store(bucket: string, prefix: string): ArtifactStore;
  /** As `openLocation` of `location.ts`. */
  locate(names: readonly string[], roots: readonly string[]): Promise<LocatedFiles>;
}

/** The credentials are those of the environment, of AWS's configuration files, or of the machine it runs on. */
export function openS3({ endpoint, region }: S3Options): S3 {
  const client = new S3Client({
    region,
    // Others than Amazon have no host name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    // Files are sent with their SHA-256; others than Amazon do not know the SDK's own checksums.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    logger: silent,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 },
  });
  return {
    store: (bucket, prefix) => new S3ArtifactStore(client, bucket, prefix),
    locate: (names, roots) => openLocation(client, names, roots),
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** What goes wrong comes as an error; without this the SDK writes some of it to standard error too. */
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
