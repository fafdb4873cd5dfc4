import { createHash } from "node:crypto";

/** A file as artifacts name it. */
export interface DigestedFile {
  /** Relative, parts separated by `/`. */
  readonly path: string;
  /** SHA-256, 64 hex digits. */
  readonly digest: string;
}

/** Digest of a set of files: SHA-256 over the lines `<digest>  <path>\n`, in order of the paths' bytes. */
export function artifactDigest(files: readonly DigestedFile[]): string {
  const hash = createHash("sha256");
  for (const { path, digest } of files.toSorted((one, other) => comparePaths(one.path, other.path)))
    hash.update(`${digest}  ${path}\n`);
  return hash.digest("hex");
}

/** By their bytes in UTF-8. */
export function comparePaths(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
