import type {
  DatasetSpec,
  Freshness,
  PartSource,
  Quality,
  Selection,
  Splits,
  TimeRange,
  Weighting,
} from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { nameForm } from "../../kit/field.ts";
import { isJsonObject } from "../../kit/json-object.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import type { Exporter } from "../rendering/exporter.ts";
import { pathProblem } from "../rendering/path.ts";
import { templateProblem } from "../rendering/template.ts";

/** Takes the dotted path of a field of the spec and what is wrong with it. */
export type Report = (field: string, problem: string) => void;

/** Reports every field of a spec that cannot be used. The format is known. */
export function checkSpecFields(spec: DatasetSpec, exporter: Exporter, report: Report): void {
  checkMapping(spec, exporter, report);
  checkMetadataFields(spec.metadataFields, report);
  checkAdapterMetadata(spec.adapterMetadataJson, report);
  if (spec.selection !== undefined) {
    checkSelection(spec.selection, report);
  }
  if (spec.weighting !== undefined) {
    checkWeighting(spec.weighting, report);
  }
  if (spec.quality !== undefined) {
    checkQuality(spec.quality, report);
  }
  if (spec.schemaValidation?.jsonSchema === "") {
    report("schema_validation.json_schema", "is missing");
  }
  if (spec.splits !== undefined) {
    checkSplits(spec.splits, report);
  }
}

function checkMapping(spec: DatasetSpec, exporter: Exporter, report: Report): void {
  const parts = new Map(exporter.parts.map((part) => [part.name, part]));
  if (Object.getPrototypeOf(spec.mapping) !== Object.prototype) {
    report("mapping.__proto__", "is no part of any format");
  }
  for (const [name, source] of Object.entries(spec.mapping)) {
    const part = parts.get(name);
    if (part === undefined) {
      report(`mapping.${name}`, `is no part of the format ${spec.format}; it has ${[...parts.keys()].join(", ")}`);
    } else {
      checkSource(`mapping.${name}`, source, part.type === "text", report);
    }
  }
}

function checkSource(field: string, { source }: PartSource, isText: boolean, report: Report): void {
  if (source === undefined) {
    report(field, "has neither field nor template");
  } else if (source.$case === "field") {
    checkPath(`${field}.field`, source.value, report);
  } else if (!isText) {
    report(`${field}.template`, "cannot be used: a template gives text, which this part is not");
  } else {
    reportProblem(`${field}.template`, templateProblem(source.value), report);
  }
}

function checkMetadataFields(paths: readonly string[], report: Report): void {
  paths.forEach((path, index) => {
    checkPath(`metadata_fields[${index}]`, path, report);
    if (paths.indexOf(path) !== index) {
      report(`metadata_fields[${index}]`, `names ${JSON.stringify(path)} again`);
    }
  });
}

function checkAdapterMetadata(json: string, report: Report): void {
  if (json !== "" && !isJsonObject(json)) {
    report("adapter_metadata_json", "is no JSON object");
  }
}

function checkSelection(selection: Selection, report: Report): void {
  selection.conditions.forEach(({ field, values }, index) => {
    checkPath(`selection.conditions[${index}].field`, field, report);
    if (values.length === 0) {
      report(`selection.conditions[${index}].values`, "are missing: at least one is needed");
    }
  });
  if (selection.timeRange !== undefined) {
    checkTimeRange(selection.timeRange, report);
  }
  checkNumber("selection.min_quality_score", selection.minQualityScore, 0, 1, report);
}

function checkTimeRange({ field, startTime, endTime }: TimeRange, report: Report): void {
  const path = "selection.time_range";
  checkOptionalPath(`${path}.field`, field, report);
  const start = startTime && fromTimestamp(startTime, `${path}.start_time`);
  const end = endTime && fromTimestamp(endTime, `${path}.end_time`);
  if (start === undefined && end === undefined) {
    report(path, "has neither start_time nor end_time");
  }
  if (start !== undefined && end !== undefined && start >= end) {
    report(`${path}.end_time`, "is not after start_time");
  }
}

function checkWeighting({ weightField, defaultWeight, freshness }: Weighting, report: Report): void {
  checkOptionalPath("weighting.weight_field", weightField, report);
  checkNumber("weighting.default_weight", defaultWeight, 0, 4_000, report);
  if (freshness !== undefined) {
    checkFreshness(freshness, report);
  }
}

function checkFreshness({ timestampField, maxBonus, windowDays }: Freshness, report: Report): void {
  checkOptionalPath("weighting.freshness.timestamp_field", timestampField, report);
  checkNumber("weighting.freshness.max_bonus", maxBonus, 0, 4_000, report);
  checkNumber("weighting.freshness.window_days", windowDays, 0.001, 1_000_000, report);
}

function checkQuality({ minTextLength, maxTextLength }: Quality, report: Report): void {
  if (maxTextLength > 0 && minTextLength > maxTextLength) {
    report("quality.min_text_length", `(${minTextLength}) is more than max_text_length (${maxTextLength})`);
  }
}

function checkSplits({ parts, selected }: Splits, report: Report): void {
  const names = parts.map(({ name }) => name);
  parts.forEach(({ name, percent }, index) => {
    const path = `splits.parts[${index}]`;
    if (!nameForm.test(name)) {
      report(`${path}.name`, `is no name: ${JSON.stringify(name)}; expected ${nameForm.source.slice(1, -1)}`);
    }
    if (names.indexOf(name) !== index) {
      report(`${path}.name`, `names ${JSON.stringify(name)} again`);
    }
    checkNumber(`${path}.percent`, percent, 1, 100, report);
  });
  const sum = parts.reduce((total, { percent }) => total + percent, 0);
  if (sum !== 100) {
    report("splits.parts", parts.length === 0 ? "are missing" : `have ${sum} percent together; expected 100`);
  }
  if (selected !== "") {
    report("splits.selected", "is set by the server; name a part as the split of the source");
  }
}

function checkNumber(field: string, value: number | undefined, minimum: number, maximum: number, report: Report): void {
  if (value !== undefined && !(value >= minimum && value <= maximum)) {
    report(field, `is ${value}; expected ${minimum} to ${maximum}`);
  }
}

function checkOptionalPath(field: string, path: string, report: Report): void {
  if (path !== "") {
    checkPath(field, path, report);
  }
}

function checkPath(field: string, path: string, report: Report): void {
  reportProblem(field, pathProblem(path), report);
}

function reportProblem(field: string, problem: string | undefined, report: Report): void {
  if (problem !== undefined) {
    report(field, problem);
  }
}
