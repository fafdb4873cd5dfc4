import { createHash } from "node:crypto";
import { z } from "zod";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import { parseStrictly } from "./parse-strictly.ts";
import { signatureInvalid } from "./signature-invalid.ts";

const sha256 = z.string().regex(sha256Form, "expected 64 lowercase hex digits");

/** Verifiers leave keys beside these alone. */
const shape = z.object({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.tuple([z.object({ name: z.string(), digest: z.object({ sha256 }) })]),
  predicateType: z.literal("https://model_signing/signature/v1.0"),
  predicate: z.object({
    serialization: z.object({
      method: z.literal("files"),
      hash_type: z.literal("sha256"),
      allow_symlinks: z.boolean(),
    }),
    resources: z.array(z.object({ name: z.string(), algorithm: z.literal("sha256"), digest: sha256 })).min(1),
  }),
});

type Statement = z.output<typeof shape>;

/** Whatever these are called at the root of an artifact needs no signature: the signature itself, and what git keeps for itself. */
const unsignedPaths: readonly string[] = [".git", ".gitattributes", ".github", ".gitignore", "model.sig"];

/** Files by path with their digests, as a statement names them. Throws SIGNATURE_INVALID where it is none of a set of whole files, or contradicts itself. */
export function parseStatement(payload: Uint8Array): ReadonlyMap<string, string> {
  const statement = parseStrictly(shape, decodeText(payload), "the statement");
  const { resources } = statement.predicate;
  const files = new Map(resources.map(({ name, digest }) => [name, digest]));
  if (files.size < resources.length) throw signatureInvalid("the statement names a file twice");
  checkRootDigest(statement);
  return files;
}

function decodeText(payload: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch {
    throw signatureInvalid("the statement is no UTF-8");
  }
}

function checkRootDigest({ subject, predicate }: Statement): void {
  const hash = createHash("sha256");
  for (const { digest } of predicate.resources) hash.update(digest, "hex");
  if (hash.digest("hex") !== subject[0].digest.sha256) {
    throw signatureInvalid("the digest of the statement's subject is not that of its resources");
  }
}

/**
 * Compares what is signed with an artifact's files: exactly these, with these bytes. What a statement says about paths to ignore does not count.
 * Throws SIGNATURE_INVALID, which names the first file that differs.
 */
export function checkFiles(signed: ReadonlyMap<string, string>, files: readonly ArtifactFile[]): void {
  const present = new Map(files.map(({ path, digest }) => [path, digest]));
  for (const [path, digest] of signed) {
    const actual = present.get(path);
    if (actual === undefined) throw signatureInvalid(`the signed file "${path}" is not there`, { path });
    if (actual !== digest) throw signatureInvalid(`the file "${path}" is not the signed one`, { path });
  }
  const unsigned = files.find(({ path }) => !signed.has(path) && !needsNoSignature(path));
  if (unsigned !== undefined) {
    throw signatureInvalid(`the file "${unsigned.path}" is not signed`, { path: unsigned.path });
  }
}

function needsNoSignature(path: string): boolean {
  return unsignedPaths.includes(path.split("/", 1)[0] as string);
}
