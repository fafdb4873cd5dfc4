import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { artifactInvalid, fileForbidden } from "./artifact-errors.ts";

/** Longest name of a file or folder that file systems take. */
const nameBytes = 255;

/** Checks a path as `ArtifactFile.path` says. Throws LIMIT_EXCEEDED, ADAPTER_FILE_FORBIDDEN for a way out of the folder, else ARTIFACT_INVALID. */
export function checkArtifactPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > limits.artifact_path_bytes) throw limitExceeded("artifact_path_bytes", bytes, "The length of a path");
  const names = path.split("/");
  if (path.startsWith("/") || names.includes("..")) {
    throw fileForbidden(path, "leads out of the folder", "Give paths relative to the folder, without ..");
  }
  if (names.some((name) => name === "" || name === "."))
    throw artifactInvalid("has an empty part, or the part .", path);
  if (names.some((name) => Buffer.byteLength(name) > nameBytes)) {
    throw artifactInvalid(`has a part of more than ${nameBytes} bytes`, path);
  }
  if (/[\\\p{Cc}\p{Cs}\ufffd]/u.test(path)) {
    throw artifactInvalid("has a backslash, a control character, or one that is not Unicode", path);
  }
}

/** Order of paths in an artifact: that of their bytes. */
export function comparePaths(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
