import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { LoraloopError } from "./errors.ts";

/** A file whose digest is signed. */
export interface FileDigest {
  /** Relative, parts separated by `/`. */
  readonly path: string;
  /** SHA-256 of its bytes, 64 lowercase hex digits. */
  readonly digest: string;
}

/** Where a signature lies in the folder that it is about. */
export const signatureFile = "model.sig";

/** At the root of a folder; never signed, whether they are there or not. */
const unsignedPaths = [".git", ".gitattributes", ".github", ".gitignore", signatureFile];

const payloadType = "application/vnd.in-toto+json";

/**
 * Signs the digests of a folder's files with an Ed25519 key (PEM, PKCS #8): a bundle of the OpenSSF model signing specification 1.0, as JSON.
 * `name` is the folder's. The same arguments give the same bytes; the order of the files does not matter. `model.sig` and git's own files are left out.
 * Throws LoraloopError for another kind of key, and where no file is left.
 */
export function signFiles(name: string, files: readonly FileDigest[], privateKey: string): string {
  const key = ed25519Key(privateKey);
  const payload = Buffer.from(JSON.stringify(statementOf(name, files)));
  const signature = sign(null, preAuthenticationEncoding(payload), key);
  return JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: keyHint(key) }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType,
      signatures: [{ sig: signature.toString("base64"), keyid: "" }],
    },
  });
}

function ed25519Key(pem: string): KeyObject {
  const key = readKey(pem);
  if (key.asymmetricKeyType !== "ed25519") {
    throw new LoraloopError(`The private key is of type ${key.asymmetricKeyType}; expected ed25519.`);
  }
  return key;
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new LoraloopError("The private key cannot be read; expected PEM (PKCS #8) without a password.", { cause });
  }
}

function statementOf(name: string, files: readonly FileDigest[]): object {
  const signed = files.filter(({ path }) => !unsignedPaths.includes(path.split("/", 1)[0] ?? "")).toSorted(byPath);
  if (signed.length === 0) throw new LoraloopError("There is no file to sign.");
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: { sha256: rootDigest(signed) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: {
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false, ignore_paths: unsignedPaths },
      resources: signed.map(({ path, digest }) => ({ name: path, algorithm: "sha256", digest })),
    },
  };
}

/** By code points, which is the order of UTF-8 bytes. */
function byPath(one: FileDigest, other: FileDigest): number {
  return Buffer.compare(Buffer.from(one.path), Buffer.from(other.path));
}

function rootDigest(files: readonly FileDigest[]): string {
  const hash = createHash("sha256");
  for (const { digest } of files) hash.update(digest, "hex");
  return hash.digest("hex");
}

/** What DSSE signs. */
function preAuthenticationEncoding(payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}

/** How a bundle names its key: SHA-256 of the public key as PEM. */
function keyHint(privateKey: KeyObject): string {
  const pem = createPublicKey(privateKey).export({ type: "spki", format: "pem" });
  return createHash("sha256").update(pem).digest("hex");
}
