import { DatasetSpec, type DeepPartial } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import type { Micros } from "../../store/store.ts";
import { type ExporterRegistry, loadExporters } from "./exporter-registry.ts";
import { createRenderer, type Outcome, type Renderer } from "./renderer.ts";
import { compileSchemaCheck } from "./schema-check.ts";
import { parseTimestamp } from "./timestamp.ts";

/** For tests: what most of them render with. */
export const exporters: ExporterRegistry = await loadExporters();

/** The microseconds of an ISO 8601 time that is right. */
export function at(time: string): Micros {
  return parseTimestamp(time) as Micros;
}

export function storedRecord(fields: object | string, system: Partial<StoredRecord> = {}): StoredRecord {
  const json = typeof fields === "string" ? fields : JSON.stringify(fields);
  const time = at("2026-01-01");
  return {
    fieldsJson: Buffer.from(json),
    createTimeMicros: time,
    updateTimeMicros: time,
    source: "",
    subject: "",
    group: "",
    ...system,
  };
}

export function rendererOf(spec: DeepPartial<DatasetSpec>, asOf: Micros = at("2026-01-01")): Renderer {
  const whole = DatasetSpec.fromPartial(spec);
  const { schemaValidation } = whole;
  const checkSchema = schemaValidation?.jsonSchema ? compileSchemaCheck(schemaValidation) : () => "";
  return createRenderer(whole, asOf, exporters, checkSchema);
}

/** What a record gives, as one text: its line, `reason: problem` or `dropped n`. */
export function rendered(
  spec: DeepPartial<DatasetSpec>,
  fields: object | string,
  system?: Partial<StoredRecord>,
): string {
  return outcomeText(rendererOf(spec).render("r", storedRecord(fields, system)));
}

export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "sample":
      return outcome.line;
    case "rejected":
      return `${outcome.reason}: ${outcome.problem}`;
    case "dropped":
      return `dropped ${outcome.condition}`;
  }
}

/** Part sources of a mapping, by field. */
export function fieldsOf(mapping: Readonly<Record<string, string>>): DatasetSpec["mapping"] {
  const sources = Object.entries(mapping).map(([part, value]) => [part, { source: { $case: "field", value } }]);
  return Object.fromEntries(sources) as DatasetSpec["mapping"];
}
