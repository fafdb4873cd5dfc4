import { ConnectionError } from "./errors.ts";

/** What may stand after `Bearer` (RFC 6750): nothing that a header refuses, no quotes that came along. */
const form = /^[\w.~+/-]+=*$/;

/**
 * A token without the white space around it; undefined where nothing is left. Throws ConnectionError for what can be no token: it shows the public id at most.
 * @param from where it was found
 */
export function toToken(text: string | undefined, from: string): string | undefined {
  const token = text?.trim();
  if (!token) return undefined;
  if (form.test(token)) return token;
  const id = /ll_[a-z2-7]{12}_/.exec(token)?.[0];
  throw new ConnectionError(
    `${from} holds no token${id === undefined ? "" : ` (${id}…)`}: only letters, digits and -._~+/ may be in one. Copy it again, without quotes.`,
  );
}
