import type { TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { AdapterVersion } from "../../typescript/src/index.ts";
import { bytes, counted, toJson } from "../output.ts";
import { baseModelText, stateText } from "./describe-version.ts";
import { methodName } from "./names.ts";

/** What one version says and the other does not, or says otherwise; null for what is not there. */
export interface Difference {
  readonly field: string;
  readonly one: string | null;
  readonly other: string | null;
}

/** By group; groups without difference are left out. */
export type Differences = Readonly<Record<string, readonly Difference[]>>;

type Facts = ReadonlyMap<string, string>;

/** In what two versions differ, the fields by name. */
export function versionDifferences(one: AdapterVersion, other: AdapterVersion): Differences {
  const groups = { configuration: configurationFacts, metrics: metricFacts, data: dataFacts, files: fileFacts };
  const entries = Object.entries(groups).map(([group, facts]) => [group, compare(facts(one), facts(other))] as const);
  return Object.fromEntries(entries.filter(([, differences]) => differences.length > 0));
}

function compare(one: Facts, other: Facts): Difference[] {
  const fields = [...new Set([...one.keys(), ...other.keys()])].sort();
  return fields
    .filter((field) => one.get(field) !== other.get(field))
    .map((field) => ({ field, one: one.get(field) ?? null, other: other.get(field) ?? null }));
}

/** PEFT's keys are as in `adapter_config.json`. */
function configurationFacts(version: AdapterVersion): Facts {
  const { peft, quantization, constraint, servingHintsJson, task, domains, language, label, metadata } = version;
  return toFacts({
    "base model": baseModelText(version),
    method: methodName(version.method).toLowerCase(),
    state: stateText(version),
    ...prefixed("peft", parseObject(peft?.configurationJson)),
    quantization: quantization === undefined ? "" : toJson(quantization),
    constraint: constraint === undefined ? "" : toJson(constraint),
    "serving hints": servingHintsJson,
    ...{ task, domains: domains.join(", "), language, label },
    ...prefixed("metadata", metadata),
  });
}

function metricFacts({ metrics }: AdapterVersion): Facts {
  return toFacts(metrics);
}

function dataFacts({ provenance, deletedData, inheritedDeletedData }: AdapterVersion): Facts {
  const { run = "", parent = "", dataSourceUri = "", snapshots = [], training } = provenance ?? {};
  const named = Map.groupBy(snapshots, ({ dataset, collection }) => (dataset === "" ? collection : dataset));
  const read = [...named].map(([name, some]) => [`trained on ${name}`, some.map(snapshotFact).join("; ")]);
  return toFacts({
    ...{ run, parent, source: dataSourceUri },
    ...Object.fromEntries(read),
    ...prefixed("training", trainingObject(training)),
    "deleted since": deletedData === undefined ? "" : counted(deletedData.recordCount, "record"),
    "deleted of ancestors":
      inheritedDeletedData === undefined ? "" : counted(inheritedDeletedData.recordCount, "record"),
  });
}

function snapshotFact({ dataset, datasetVersion, sampleCount, revision, digest }: TrainingSnapshot): string {
  const version = dataset === "" ? "" : `version ${datasetVersion}, `;
  return `${version}${counted(sampleCount, "sample")} at revision ${revision}, ${digest.slice(0, 12)}`;
}

/** With "" for what was not said: in the proto, that is 0. */
function trainingObject(training: NonNullable<AdapterVersion["provenance"]>["training"]): object {
  if (training === undefined) return {};
  const { configurationJson, datasetName, sampleCount, epochs, learningRate } = training;
  const named = {
    dataset_name: datasetName,
    sample_count: Number(sampleCount) || "",
    epochs: epochs || "",
    learning_rate: learningRate || "",
  };
  return { ...parseObject(configurationJson), ...named };
}

function fileFacts({ artifact }: AdapterVersion): Facts {
  const files = artifact?.files ?? [];
  return new Map(files.map(({ path, byteCount, digest }) => [path, `${bytes(byteCount)}, ${digest.slice(0, 12)}`]));
}

function prefixed(prefix: string, object: object): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [`${prefix}.${key}`, value]));
}

function parseObject(json: string | undefined): object {
  return json === undefined || json === "" ? {} : (JSON.parse(json) as object);
}

/** Texts as they are, anything else as JSON; what is empty is left out. */
function toFacts(object: object): Facts {
  const facts = new Map<string, string>();
  for (const [field, value] of Object.entries(object)) {
    if (value !== "") facts.set(field, typeof value === "string" ? value : JSON.stringify(value));
  }
  return facts;
}
