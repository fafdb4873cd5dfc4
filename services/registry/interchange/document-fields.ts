import { z } from "zod";
import { Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { limits } from "../../kit/limits.ts";
import { metricForm, withoutPassword } from "../adapters/check-fields.ts";
import { documentInvalid, pathText } from "./document-invalid.ts";

/** Reads a value of a parsed document, which stands at `path`. Throws DOCUMENT_INVALID, which names the first place that is wrong. */
export function readShape<Read>(shape: z.ZodType<Read>, value: unknown, path: readonly PropertyKey[]): Read {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const problem = (issue?.message ?? "").replace(/^Invalid input: /, "");
  throw documentInvalid(pathText([...path, ...(issue?.path ?? [])]), problem);
}

/** Absent and null mean the same. */
export function optional<Read>(shape: z.ZodType<Read>, otherwise: Read): z.ZodType<Read> {
  return z.nullish(shape).transform((read) => read ?? otherwise);
}

function textUpTo(bytes: number): z.ZodType<string> {
  return z
    .string()
    .refine((text) => text.isWellFormed() && !text.includes("\0"), "expected text without NUL and halves of characters")
    .refine((text) => Buffer.byteLength(text) <= bytes, `expected at most ${bytes} bytes`);
}

/** What all readers see. */
function publicUpTo(bytes: number): z.ZodType<string> {
  return textUpTo(bytes).refine((uri) => withoutPassword(uri) === uri, "expected a URI without a password");
}

const requiredText = textUpTo(limits.version_text_bytes);

/** A text of a version; empty where the document has none. */
export const text: z.ZodType<string> = optional(requiredText, "");

/** Name of a base model, or what somebody calls it; empty where the document has none. */
export const baseModelName: z.ZodType<string> = optional(textUpTo(limits.base_model_other_name_bytes), "");

/** A path or URI; empty where the document has none. */
export const place: z.ZodType<string> = optional(publicUpTo(limits.artifact_uri_bytes), "");

/** Where data came from; empty where the document does not say. */
export const dataSourceUri: z.ZodType<string> = optional(publicUpTo(limits.version_text_bytes), "");

/** What an adapter is called: its name, or the name of one of its versions. */
export const adapterId: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9_.-]{0,126}[a-z0-9])?(@[1-9]\d{0,8})?$/, "expected lowercase letters, digits, _ . and -");

/** The adapter that an id stands for. */
export function adapterOf(id: string): string {
  return id.split("@", 1)[0] as string;
}

/** The adapter that an id names, which stands at `path`. Throws DOCUMENT_INVALID. */
export function adapterNamed(id: string, path: readonly PropertyKey[]): string {
  if (id === "") throw documentInvalid(pathText(path), "names no adapter; name one in the request");
  return adapterOf(readShape(adapterId, id, path));
}

/** One domain as a string, or any number as a list. */
export const domains: z.ZodType<string[]> = optional(
  z.union([requiredText.transform((domain) => [domain]), z.array(requiredText).max(limits.version_domains)]),
  [],
).transform((list) => list.filter((domain) => domain !== ""));

/** Undefined where the document names none. */
export function readBaseModel(name: string, revision = ""): BaseModelReference | undefined {
  return name === "" ? undefined : BaseModelReference.fromPartial({ name, revision });
}

export const names: z.ZodType<string[]> = z.array(requiredText);

export const count: z.ZodType<number> = optional(z.int().min(0), 0);

export const number: z.ZodType<number> = optional(z.number(), 0);

export const flag: z.ZodType<boolean> = optional(z.boolean(), false);

export const rank: z.ZodType<number> = z.int().min(1).max(limits.adapter_rank);

/** The documents' words for methods. */
const methods = { lora: Method.METHOD_LORA, qlora: Method.METHOD_QLORA, dora: Method.METHOD_DORA } as const;

export const method: z.ZodType<Method> = optional<Method>(
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(["lora", "qlora", "dora"]))
    .transform((word) => methods[word]),
  Method.METHOD_UNSPECIFIED,
);

/** A method as the documents say it; undefined where it is not known. */
export function methodWord(known: Method): string | undefined {
  return Object.entries(methods).find(([, value]) => value === known)?.[0];
}

export function mapOf<Value>(key: z.ZodString, value: z.ZodType<Value>): z.ZodType<Record<string, Value>> {
  return optional(z.record(key, value), {});
}

function atMost(entries: number): [(map: object) => boolean, string] {
  return [(map) => Object.keys(map).length <= entries, `expected at most ${entries} keys`];
}

/** A map, of which what no version can hold is left in the document. */
function mapWith<Value>(canHold: (key: string, value: unknown) => boolean): z.ZodType<Record<string, Value>> {
  return mapOf(z.string(), z.unknown()).transform(
    (map) =>
      Object.fromEntries(Object.entries(map).filter(([key, value]) => canHold(key, value))) as Record<string, Value>,
  );
}

export const metrics: z.ZodType<Record<string, number>> = mapWith<number>(
  (name, value) => metricForm.test(name) && Number.isFinite(value),
).refine(...atMost(limits.version_metrics));

const metadataKey = z
  .string()
  .min(1)
  .refine(
    (key) => Buffer.byteLength(key) <= limits.metadata_key_bytes,
    `expected at most ${limits.metadata_key_bytes} bytes`,
  );

export const metadata: z.ZodType<Record<string, string>> = mapWith<string>((_, value) => typeof value === "string")
  .transform((map): Record<string, unknown> => map)
  .pipe(z.record(metadataKey, textUpTo(limits.metadata_value_bytes)))
  .refine(...atMost(limits.metadata_entries));

/** Undefined for "", 0, false, an empty list and an empty map, as documents leave such keys out. */
export function unlessEmpty<Value extends string | number | boolean | object>(value: Value): Value | undefined {
  const isEmpty = typeof value === "object" ? Object.keys(value).length === 0 : !value;
  return isEmpty ? undefined : value;
}
