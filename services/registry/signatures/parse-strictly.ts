import type { z } from "zod";
import { signatureInvalid } from "./signature-invalid.ts";

/** Parses JSON of this shape. Throws SIGNATURE_INVALID, which names the first place that is wrong. */
export function parseStrictly<Shape extends z.ZodType>(shape: Shape, text: string, what: string): z.output<Shape> {
  const result = shape.safeParse(parseJson(text, what));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = [what, ...(issue?.path ?? [])].join(".");
  throw signatureInvalid(`${place}: ${issue?.message.replace(/^Invalid input: /, "")}`);
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw signatureInvalid(`${what} is no JSON`);
  }
}
