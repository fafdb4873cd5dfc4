import { join } from "node:path";
import type { ArtifactFile } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { comparePaths, type DigestedFile } from "./artifact-digest.ts";
import { entriesBelow } from "./folder-entries.ts";
import { digestFile, type ReadFolderOptions } from "./folder-files.ts";

/** How a file differs from the one that was registered. */
export interface FileDifference {
  readonly path: string;
  readonly problem: "changed" | "missing" | "unexpected";
  /** Registered SHA-256; empty for an unexpected file. */
  readonly expected: string;
  /** SHA-256 of the file; empty for a missing one, and for a link or a device. */
  readonly actual: string;
}

/** How what lies in a folder differs from an artifact's files: nothing is refused, and no link followed. */
export async function compareFolder(
  expected: readonly ArtifactFile[],
  folder: string,
  options: ReadFolderOptions = {},
): Promise<FileDifference[]> {
  const entries = (await Array.fromAsync(entriesBelow(folder))).sort((one, other) =>
    comparePaths(one.path, other.path),
  );
  const actual: DigestedFile[] = [];
  for (const { path, entry } of entries) {
    const digest = entry.isFile() ? (await digestFile(join(folder, path), options)).digest : "";
    actual.push({ path, digest });
  }
  return compareFiles(expected, actual);
}

/** How files differ from those of an artifact, by path; nothing where they are the same. */
export function compareFiles(expected: readonly ArtifactFile[], actual: readonly DigestedFile[]): FileDifference[] {
  const found = new Map(actual.map(({ path, digest }) => [path, digest]));
  const registered = new Set(expected.map(({ path }) => path));
  const differences: FileDifference[] = [];
  for (const { path, digest } of expected) {
    const other = found.get(path);
    if (other === undefined) differences.push({ path, problem: "missing", expected: digest, actual: "" });
    else if (other !== digest) differences.push({ path, problem: "changed", expected: digest, actual: other });
  }
  for (const { path, digest } of actual)
    if (!registered.has(path)) differences.push({ path, problem: "unexpected", expected: "", actual: digest });
  return differences;
}
