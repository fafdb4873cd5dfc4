import type { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { WeightExplanation } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import type { Micros } from "../../store/store.ts";
import type { Exporter, Sample } from "./exporter.ts";
import { type ExporterRegistry, findExporter } from "./exporter-registry.ts";
import { checkSampleBytes, SampleTooLarge } from "./limited-text.ts";
import { compileMetadata } from "./metadata.ts";
import { compileParts } from "./parts.ts";
import type { Fields } from "./path.ts";
import { compileQuality } from "./quality.ts";
import { Rejection, reject } from "./rejection.ts";
import type { SchemaCheck } from "./schema-check.ts";
import { compileSelection } from "./selection.ts";
import { oneInMicros } from "./weight-text.ts";
import { compileWeighting } from "./weighting.ts";

export type Outcome = { readonly kind: "dropped"; readonly condition: number } | Rejection | RenderedSample;

export interface RenderedSample {
  readonly kind: "sample";
  /** Compact JSON with metadata, without weight and line feed. */
  readonly line: string;
  /** The line without metadata: what duplicates are equal in. */
  readonly content: string;
  /** 1,000,000 where the dataset has no weighting. */
  readonly weightMicros: number;
  /** Why a sample that was kept does not fit the schema; else empty. */
  readonly schemaProblem: string;
}

export interface Renderer {
  /** The conditions of the selection as people write them, in the order in which they are checked. */
  readonly conditions: readonly string[];
  /** Whether samples carry a weight. */
  readonly weighted: boolean;
  /** Never throws for bad data. */
  render(id: string, record: StoredRecord): Outcome;
  /** The factors of the weight of a record that gives a sample; undefined where the dataset has no weighting. */
  explainWeight(record: StoredRecord): WeightExplanation | undefined;
}

/**
 * Compiles a valid spec once; rendering is then a pure function of the record: no clock, locale or time zone.
 * Checks go in this order: split, selection, quality score, parts, empty output, length, schema, weight; the first that fails decides.
 * `checkSchema` is that of the spec. Throws ServiceError (FILTER_INVALID, FORMAT_UNKNOWN).
 */
export function createRenderer(
  spec: DatasetSpec,
  asOf: Micros,
  exporters: ExporterRegistry,
  checkSchema: SchemaCheck,
): Renderer {
  const exporter = findExporter(spec.format, exporters);
  const selection = compileSelection(spec.selection, spec.splits);
  const sampleOf = compileSample(exporter, spec);
  const printMetadata = compileMetadata(spec.metadataFields);
  const weigher = spec.weighting && compileWeighting(spec.weighting, asOf);
  const keepInvalid = spec.schemaValidation?.keepInvalidSamples ?? false;

  function render(id: string, record: StoredRecord): Outcome {
    const fields = parseFields(record);
    const selected = selection.select(id, fields, record);
    if (selected !== undefined) {
      return typeof selected === "number" ? { kind: "dropped", condition: selected } : selected;
    }
    const sample = sampleOf(fields);
    if (sample instanceof Rejection) {
      return sample;
    }
    const content = JSON.stringify(sample.value);
    const schemaProblem = checkSchema(sample.value, content);
    if (schemaProblem !== "" && !keepInvalid) {
      return reject(RejectReason.REJECT_REASON_SCHEMA_INVALID, schemaProblem);
    }
    const weightMicros = weigher === undefined ? oneInMicros : weigher.weigh(fields, record, sample.output);
    if (typeof weightMicros !== "number") {
      return weightMicros;
    }
    const line = withMetadata(content, printMetadata(fields));
    checkSampleBytes(line);
    return { kind: "sample", line, content, weightMicros, schemaProblem };
  }

  return {
    conditions: selection.conditions,
    weighted: weigher !== undefined,
    render(id, record) {
      try {
        return render(id, record);
      } catch (error) {
        return reject(RejectReason.REJECT_REASON_EXPORTER_FAILED, exporterProblem(error));
      }
    },
    explainWeight(record) {
      const fields = parseFields(record);
      const sample = sampleOf(fields);
      const explanation = sample instanceof Rejection ? sample : weigher?.explain(fields, record, sample.output);
      return explanation instanceof Rejection ? undefined : explanation;
    },
  };
}

/** From a record's fields to its sample, as far as parts and quality go. */
function compileSample(exporter: Exporter, spec: DatasetSpec): (fields: Fields) => Sample | Rejection {
  const readParts = compileParts(exporter, spec);
  const checkQuality = compileQuality(spec.quality);
  return (fields) => {
    const parts = readParts(fields);
    if (parts instanceof Rejection) {
      return parts;
    }
    const sample = exporter.sample(parts);
    if ("problem" in sample) {
      return reject(sample.reason, sample.problem);
    }
    checkSample(sample);
    return checkQuality(sample.output) ?? sample;
  };
}

/** The keys that the line gets from the dataset. */
const takenKeys = ["metadata", "weight"];

/** What the types cannot hold a plugin to. */
function checkSample({ value, output }: Sample): void {
  if (typeof value !== "object" || value === null || typeof output !== "string") {
    throw new TypeError("a sample needs an object value and a text output");
  }
  const taken = takenKeys.find((key) => Object.hasOwn(value, key));
  if (taken !== undefined) {
    throw new TypeError(`a sample must not have the key ${taken}`);
  }
}

function parseFields({ fieldsJson }: StoredRecord): Fields {
  return JSON.parse(Buffer.from(fieldsJson.buffer, fieldsJson.byteOffset, fieldsJson.byteLength).toString()) as Fields;
}

function withMetadata(content: string, metadata: string): string {
  return metadata === "" ? content : `${content.slice(0, -1)}${content === "{}" ? "" : ","}${metadata}}`;
}

function exporterProblem(error: unknown): string {
  if (error instanceof SampleTooLarge) {
    return error.message;
  }
  return `Exporter failed: ${error instanceof Error ? error.message : String(error)}`;
}
