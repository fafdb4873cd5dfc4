import { limits } from "../../kit/limits.ts";

/** Control characters, and those that turn the direction of the text after them. */
const refused = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

const expected = `1 to ${limits.record_id_bytes} bytes (record_id_bytes) of UTF-8 without control characters`;

export interface IdProblem {
  readonly problem: string;
  readonly expected: string;
}

/** What is wrong with a record's id, if anything. */
export function idProblem(id: string): IdProblem | undefined {
  const bytes = Buffer.byteLength(id);
  if (bytes === 0 || bytes > limits.record_id_bytes) return { problem: `has ${bytes} bytes`, expected };
  if (!id.isWellFormed()) return { problem: "holds half of a surrogate pair", expected };
  const found = refused.exec(id);
  return found ? { problem: `holds the control character ${codePoint(found[0])}`, expected } : undefined;
}

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
