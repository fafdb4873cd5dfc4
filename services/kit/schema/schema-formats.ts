import type { Format } from "ajv";
import { type FormatName, fullFormats } from "ajv-formats/dist/formats.js";
import { compilePattern } from "../pattern.ts";

/** No date, address or identifier is longer. */
const maximumCharacters = 8192;

/** Formats of the library whose time is linear in the text; `url` is not. */
const names: readonly FormatName[] = [
  "date",
  "time",
  "date-time",
  "duration",
  "uri",
  "uri-reference",
  "uri-template",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uuid",
  "json-pointer",
  "relative-json-pointer",
];

/** The `format`s that a schema may name; text over 8,192 characters fits none of them. */
export const schemaFormats: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(names.map((name) => [name, bounded(fullFormats[name])])),
  regex: isPattern,
};

function bounded(format: Format): Format {
  const validate = validator(format);
  return (text: string) => text.length <= maximumCharacters && validate(text);
}

function validator(format: Format): (text: string) => boolean {
  if (format instanceof RegExp) {
    return (text) => format.test(text);
  }
  if (typeof format === "function") {
    return format;
  }
  return validator((format as { validate: Format }).validate);
}

function isPattern(text: string): boolean {
  try {
    compilePattern(text);
    return true;
  } catch {
    return false;
  }
}
