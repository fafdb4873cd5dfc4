import { hash } from "node:crypto";
import { DatasetSpec, ErrorHandling, Quality, Selection } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { type Encoder, encoded } from "../../kit/encoded.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limitExceeded, nameForm } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { SchemaWorker } from "../../kit/schema/schema-worker.ts";
import { type ExporterRegistry, findExporter } from "../rendering/exporter-registry.ts";
import { compileFilter } from "../rendering/filter.ts";
import { checkSpecFields } from "./spec-fields.ts";

/**
 * Checks a spec completely and gives its canonical form. Every spec that a caller sends, inline or to be stored, goes through here once;
 * its schema is compiled in a worker thread, so a hostile one costs the caller a second and nobody else anything.
 * Rejects with ServiceError DATASET_INVALID, FORMAT_UNKNOWN, FILTER_INVALID, SCHEMA_INVALID or LIMIT_EXCEEDED.
 */
export async function checkSpec(
  spec: DatasetSpec,
  exporters: ExporterRegistry,
  schemas: SchemaWorker,
): Promise<DatasetSpec> {
  validate(spec, exporters);
  if (spec.schemaValidation !== undefined) {
    await schemas.check(spec.schemaValidation.jsonSchema);
  }
  return normalise(spec);
}

/** The same recipe in its canonical form: the mapping in the order of its names, no messages that say nothing. */
export function normalise(spec: DatasetSpec): DatasetSpec {
  const mapping = Object.entries(spec.mapping).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...spec,
    mapping: Object.fromEntries(mapping),
    selection: unlessEmpty(Selection, spec.selection),
    quality: unlessEmpty(Quality, spec.quality),
    errorHandling: unlessEmpty(ErrorHandling, spec.errorHandling),
  };
}

/** Checks everything but the schema. Throws ServiceError. */
export function validate(spec: DatasetSpec, exporters: ExporterRegistry): void {
  const bytes = encoded(DatasetSpec, spec).length;
  if (bytes > limits.dataset_bytes) {
    throw limitExceeded("dataset_bytes", bytes, "The size of the spec");
  }
  if (!nameForm.test(spec.collection)) {
    throw specInvalid("collection", spec.collection === "" ? "is missing" : `is no name of a collection`);
  }
  const exporter = findExporter(spec.format, exporters);
  checkSpecFields(spec, exporter, (field, problem) => {
    throw specInvalid(field, problem);
  });
  if (spec.selection !== undefined && spec.selection.filter !== "") {
    compileFilter(spec.selection.filter);
  }
}

/** SHA-256 of a recipe in its canonical form: equal for equal recipes. */
export function specDigest(spec: DatasetSpec): Uint8Array {
  return hash("sha256", encoded(DatasetSpec, normalise(spec)), "buffer");
}

function specInvalid(field: string, problem: string): ServiceError {
  return new ServiceError("DATASET_INVALID", `${field} ${problem}.`, { field, problem });
}

function unlessEmpty<T>(type: Encoder<T>, message: T | undefined): T | undefined {
  return message !== undefined && encoded(type, message).length > 0 ? message : undefined;
}
