import { z } from "zod";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { parseStrictly } from "./parse-strictly.ts";

/** A Sigstore bundle with a DSSE envelope. Nothing of it is true before its signature was checked. */
export interface SignatureBundle {
  /** SHA-256 of the public key as PEM, as whoever signed says. */
  readonly keyHint: string;
  /** The in-toto statement. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

const payloadType = "application/vnd.in-toto+json";

const base64 = z.string().transform((text, context) => {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) context.addIssue("expected base64");
  return bytes;
});

/** Keys beside these are allowed: other versions of the format have them, and none changes what is signed. */
const shape = z.object({
  mediaType: z.literal("application/vnd.dev.sigstore.bundle.v0.3+json"),
  verificationMaterial: z.object({ publicKey: z.object({ hint: z.string() }) }),
  dsseEnvelope: z.object({
    payload: base64,
    payloadType: z.literal(payloadType),
    signatures: z.tuple([z.object({ sig: base64 })]),
  }),
});

/** Reads a bundle of the OpenSSF model signing specification, signed by a key. Throws SIGNATURE_INVALID, or LIMIT_EXCEEDED (`signature_bundle_bytes`). */
export function parseBundle(json: string): SignatureBundle {
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.signature_bundle_bytes)
    throw limitExceeded("signature_bundle_bytes", bytes, "The signature bundle");
  const { verificationMaterial, dsseEnvelope } = parseStrictly(shape, json, "the bundle");
  return {
    keyHint: verificationMaterial.publicKey.hint,
    payload: dsseEnvelope.payload,
    signature: dsseEnvelope.signatures[0].sig,
  };
}

/** What DSSE signs. */
export function signedBytes({ payload }: SignatureBundle): Uint8Array {
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]);
}
