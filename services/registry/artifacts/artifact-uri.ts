import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { fileForbidden } from "./artifact-errors.ts";
import type { ArtifactFiles } from "./artifact-store.ts";

/** A URI of a caller, taken apart. */
export interface ArtifactUri {
  readonly scheme: "file" | "s3";
  /** Names from the outside in; of an `s3:` URI the bucket first. */
  readonly names: readonly string[];
}

/** Files that lie where a caller said. */
export interface LocatedFiles {
  /** The URI in the form that is kept. */
  readonly uri: string;
  readonly files: ArtifactFiles;
}

const form = /^(?:(file):\/\/\/|(s3):\/\/)([^?#]+)$/;

/** Throws LIMIT_EXCEEDED, FIELD_INVALID, and ADAPTER_FILE_FORBIDDEN for a URI with `..`. @param field of the request */
export function parseArtifactUri(uri: string, field = "uri"): ArtifactUri {
  const bytes = Buffer.byteLength(uri);
  if (bytes > limits.artifact_uri_bytes) throw limitExceeded("artifact_uri_bytes", bytes, `The length of ${field}`);
  const [, file, , path = ""] = form.exec(uri) ?? [];
  const names = path
    .replace(/\/$/, "")
    .split("/")
    .map(file === undefined ? String : decode);
  if (names.includes("..")) throw fileForbidden(uri, "has the part ..", "Name the folder itself");
  if (names.some((name) => name === "" || name === "." || /[/\\\p{Cc}]/u.test(name))) {
    throw fieldInvalid(field, uri, "file:///… or s3://bucket/prefix, without empty parts and control characters");
  }
  return { scheme: file === undefined ? "s3" : "file", names };
}

/** A name that cannot be decoded is no name. */
function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return "";
  }
}

/** For a place that the configuration does not allow; it does not tell what is there. */
export function outsideRoots(uri: string, key: "artifact_roots" | "s3_roots"): Error {
  return fileForbidden(
    uri,
    `is not below what the registry's configuration allows (${key})`,
    "Upload the files instead",
  );
}

/** Roots of one tenant. */
export function rootsOf(roots: readonly string[], tenantName: string): string[] {
  return roots.map((root) => root.replaceAll("{tenant}", tenantName));
}

/** The names that follow those of a root; undefined where the root is another. */
export function namesBelow(root: readonly string[], names: readonly string[]): readonly string[] | undefined {
  return root.every((name, place) => names[place] === name) ? names.slice(root.length) : undefined;
}
