import { z } from "zod";
import { InputError } from "./failure.ts";

/** Parses JSON of exactly this shape. Throws InputError, which names every unknown key and wrong type by its path. */
export function parseStrict<Shape extends z.ZodType>(shape: Shape, text: string, what: string): z.output<Shape> {
  const result = shape.safeParse(parseJson(text, what));
  if (!result.success) {
    throw new InputError(`${what} cannot be used:\n${result.error.issues.flatMap(linesOf).join("\n")}`);
  }
  return result.data;
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${what} is no JSON: ${(error as Error).message}`);
  }
}

function linesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `  ${pathOf([...issue.path, key])}: unknown key`);
  }
  return [`  ${pathOf(issue.path)}: ${issue.message.replace(/^Invalid input: /, "")}`];
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text === "" ? "the file" : text.replace(/^\./, "");
}

/** A JSON object, kept exactly as it is. */
export const anyObject = z.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "expected an object",
);
