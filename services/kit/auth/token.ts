import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** A bearer token: `ll_<id>_<secret>`, 12 base32 digits and 256 random bits in base64url. The id is public. */
const form = /^ll_([a-z2-7]{12})_[A-Za-z0-9_-]{43}$/;

const base32 = "abcdefghijklmnopqrstuvwxyz234567";

export interface NewToken {
  readonly id: string;
  readonly secret: string;
}

export function makeToken(): NewToken {
  const id = Array.from(randomBytes(12), (byte) => base32[byte % 32]).join("");
  return { id, secret: `ll_${id}_${randomBytes(32).toString("base64url")}` };
}

export function isTokenId(text: string): boolean {
  return /^[a-z2-7]{12}$/.test(text);
}

/** The id in a token, or undefined where the text is no token. */
export function tokenId(secret: string): string | undefined {
  return form.exec(secret)?.[1];
}

/** What the store keeps of a token. */
export function tokenDigest(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Whether a digest is that of this token; how long it takes says nothing about it. */
export function isDigestOf(digest: Uint8Array, secret: string): boolean {
  return timingSafeEqual(tokenDigest(secret), digest);
}
