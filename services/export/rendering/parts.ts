import type { DatasetSpec, PartSource } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { isBlank } from "../../kit/text.ts";
import type { Exporter, Part, Parts } from "./exporter.ts";
import { compilePath, type Fields } from "./path.ts";
import { kindOf, type Rejection, reject, shown } from "./rejection.ts";
import { compileTemplate } from "./template.ts";

type PartReader = (fields: Fields, parts: Record<string, unknown>) => Rejection | undefined;

/** Reads all parts of a format from a record, by the dataset's mapping. The result is its `parts` argument of `Exporter.sample`, or why not. */
export function compileParts(exporter: Exporter, spec: DatasetSpec): (fields: Fields) => Parts | Rejection {
  const mapped = new Map(Object.entries(spec.mapping));
  const readers = exporter.parts
    .filter((part) => isRead(part, mapped))
    .map((part) => compilePart(part, mapped.get(part.name)));
  return (fields) => {
    const parts: Record<string, unknown> = {};
    for (const read of readers) {
      const rejection = read(fields, parts);
      if (rejection !== undefined) {
        return rejection;
      }
    }
    return parts;
  };
}

function isRead(part: Part, mapped: ReadonlyMap<string, PartSource>): boolean {
  return mapped.has(part.name) || !part.unlessMapped?.some((other) => mapped.has(other));
}

function compilePart(part: Part, source: PartSource | undefined): PartReader {
  const read = compileSource(part, source);
  const { name, type, required, unless } = part;
  return (fields, parts) => {
    if (unless !== undefined && parts[unless] !== undefined) {
      return undefined;
    }
    const value = read(fields);
    if (value === undefined || value === null) {
      return required
        ? reject(RejectReason.REJECT_REASON_MISSING_FIELD, `Missing required field '${name}'`)
        : undefined;
    }
    if (!fits[type](value)) {
      return misfit(part, value);
    }
    if (required || type !== "text" || !isBlank(value as string)) {
      parts[name] = value;
    }
    return undefined;
  };
}

const fits: Readonly<Record<Part["type"], (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  any: (value) => !(value instanceof TemplateFailure),
};

function misfit({ name, type }: Part, value: unknown): Rejection {
  if (value instanceof TemplateFailure) {
    const problem = `Template of '${name}' names the missing field '${value.path}'`;
    return reject(RejectReason.REJECT_REASON_TEMPLATE_FAILED, problem);
  }
  const wanted = type === "text" ? "text" : "true or false";
  const problem = `Field '${name}' must be ${wanted}, not ${kindOf(value)}: ${shown(value)}`;
  return reject(RejectReason.REJECT_REASON_WRONG_TYPE, problem);
}

class TemplateFailure {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

function compileSource(part: Part, source: PartSource | undefined): (fields: Fields) => unknown {
  if (source?.source?.$case !== "template") {
    return compilePath(source?.source?.value ?? part.name);
  }
  const fill = compileTemplate(source.source.value);
  return (fields) => {
    const result = fill(fields);
    return "text" in result ? result.text : new TemplateFailure(result.missingPath);
  };
}
