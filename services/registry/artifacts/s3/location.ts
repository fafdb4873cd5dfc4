import type { S3Client } from "@aws-sdk/client-s3";
import { artifactNotFound } from "../artifact-errors.ts";
import { type LocatedFiles, namesBelow, outsideRoots } from "../artifact-uri.ts";
import { Bucket } from "./bucket.ts";
import { BucketFiles } from "./files.ts";

/**
 * Opens what lies in a bucket under these names, the bucket's first, where that is below a root.
 * @param roots `bucket` or `bucket/prefix`. Throws ADAPTER_FILE_FORBIDDEN, ARTIFACT_NOT_FOUND.
 */
export async function openLocation(
  client: S3Client,
  names: readonly string[],
  roots: readonly string[],
): Promise<LocatedFiles> {
  const uri = `s3://${names.join("/")}`;
  if (!roots.some((root) => namesBelow(root.split("/"), names) !== undefined)) throw outsideRoots(uri, "s3_roots");
  const [name = "", ...inside] = names;
  const bucket = new Bucket(client, name);
  const prefix = inside.map((part) => `${part}/`).join("");
  const { done } = await bucket.list(prefix).next();
  if (done) throw artifactNotFound(uri);
  return { uri, files: new BucketFiles(bucket, prefix) };
}
