import { z } from "zod";
import {
  AdapterVersion,
  AdapterVersion_State,
  TrainingConfiguration,
  type TrainingSnapshot,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { isObject } from "../../kit/json-object.ts";
import {
  adapterNamed,
  baseModelName,
  count,
  dataSourceUri,
  domains,
  metadata,
  method,
  methodWord,
  metrics,
  number,
  optional,
  place,
  readBaseModel,
  readShape,
  text,
  unlessEmpty,
} from "./document-fields.ts";
import { defined, type JsonObject } from "./json-document.ts";
import { peftShape, readPeft, writePeft } from "./peft-fields.ts";

const trainingShape = {
  dataset_name: text,
  num_samples: count,
  epochs: number,
  learning_rate: number,
  ...peftShape,
};

const noTraining = z.object(trainingShape).parse({});
const training = optional(z.object(trainingShape), noTraining);

const noServing = { adapter_path: "" };
const serving = optional(z.object({ adapter_path: place }), noServing);

const shape = z.object({
  adapter_id: text,
  adapter_version: text,
  base_model_name: baseModelName,
  base_model_hash: text,
  tokenizer_hash: text,
  method,
  task_type: text,
  domain: domains,
  language: text,
  created_by: text,
  data_source_uri: dataSourceUri,
  training,
  training_config: training,
  vllm: serving,
  vllm_config: serving,
  metrics,
  custom_metadata: metadata,
  loraloop: optional(z.object({ base_model_revision: text }), { base_model_revision: "" }),
});

/** Where a document has these parts: in what the exporter is configured with they have other keys than in what it writes. */
function partKeys(document: JsonObject) {
  const isConfiguration = (written: string, configured: string) => !document[written] && document[configured];
  return {
    training: isConfiguration("training", "training_config") ? "training_config" : "training",
    vllm: isConfiguration("vllm", "vllm_config") ? "vllm_config" : "vllm",
  } as const;
}

/** What `writeAdapterMetadata` gave, with the keys of a document. */
export function renameParts(written: JsonObject, document: JsonObject): JsonObject {
  const { training, vllm, ...others } = written;
  const keys = partKeys(document);
  return defined({ ...others, [keys.training]: training, [keys.vllm]: vllm });
}

/** What an `adapter_metadata.json` says of a version; nothing of it is checked. Throws DOCUMENT_INVALID. @param adapter its adapter; where empty, what `adapter_id` names */
export function readAdapterMetadata(document: unknown, adapter: string): AdapterVersion {
  const fields = readShape(shape, document, []);
  const keys = partKeys(document as JsonObject);
  const said = fields[keys.training];
  const whole = (document as JsonObject)[keys.training] as object | null | undefined;
  return AdapterVersion.fromPartial({
    adapter: adapter || adapterNamed(fields.adapter_id, ["adapter_id"]),
    label: fields.adapter_version,
    baseModel: readBaseModel(fields.base_model_name, fields.loraloop.base_model_revision),
    method: fields.method,
    peft: readPeft(said),
    provenance: { dataSourceUri: fields.data_source_uri, training: readTraining(said, whole ?? {}) },
    task: fields.task_type,
    domains: fields.domain,
    language: fields.language,
    creator: fields.created_by,
    metrics: fields.metrics,
    metadata: fields.custom_metadata,
    declared: {
      id: fields.adapter_id,
      baseModelHash: fields.base_model_hash,
      tokenizerHash: fields.tokenizer_hash,
      artifactPath: fields[keys.vllm].adapter_path,
    },
  });
}

/** @param whole with the keys that are not ours */
function readTraining(said: typeof noTraining, whole: object): TrainingConfiguration {
  const others = Object.entries(whole).filter(([key]) => !Object.hasOwn(trainingShape, key));
  return TrainingConfiguration.fromPartial({
    datasetName: said.dataset_name,
    sampleCount: BigInt(said.num_samples),
    epochs: said.epochs,
    learningRate: said.learning_rate,
    configurationJson: others.length === 0 ? "" : JSON.stringify(Object.fromEntries(others)),
  });
}

/** A version as `adapter_metadata.json`; `path` is its folder, empty where nobody knows. */
export function writeAdapterMetadata(version: AdapterVersion, path: string): JsonObject {
  const { baseModel, declared, provenance } = version;
  return defined({
    adapter_id: unlessEmpty(declared?.id ?? "") ?? version.adapter,
    adapter_version: unlessEmpty(version.label) ?? String(version.version),
    base_model_name: unlessEmpty(baseModel?.name ?? ""),
    base_model_hash: unlessEmpty(declared?.baseModelHash || baseModel?.weightsDigest || ""),
    tokenizer_hash: unlessEmpty(declared?.tokenizerHash || baseModel?.tokenizerDigest || ""),
    method: methodWord(version.method),
    task_type: unlessEmpty(version.task),
    domain: version.domains.length === 1 ? version.domains[0] : unlessEmpty(version.domains),
    language: unlessEmpty(version.language),
    created_by: unlessEmpty(version.creator),
    data_source_uri: unlessEmpty(provenance?.dataSourceUri ?? ""),
    training: unlessEmpty({ ...writeTraining(version), ...(version.peft && writePeft(version.peft)) }),
    vllm: unlessEmpty(writeServing(version, path)),
    metrics: unlessEmpty(version.metrics),
    custom_metadata: unlessEmpty(version.metadata),
    loraloop: unlessEmpty(writeOrigin(version)),
  });
}

function writeTraining({ provenance, declared }: AdapterVersion): JsonObject {
  const { snapshots = [], training } = provenance ?? {};
  const samples = Number(training?.sampleCount || snapshots.reduce((sum, { sampleCount }) => sum + sampleCount, 0n));
  return defined({
    ...otherKeys(training?.configurationJson ?? ""),
    dataset_name: unlessEmpty(training?.datasetName || snapshots[0]?.dataset || declared?.datasetReference || ""),
    num_samples: unlessEmpty(samples),
    epochs: unlessEmpty(training?.epochs ?? 0),
    learning_rate: unlessEmpty(training?.learningRate ?? 0),
  });
}

function otherKeys(configurationJson: string): JsonObject {
  const configuration: unknown = configurationJson === "" ? {} : JSON.parse(configurationJson);
  return isObject(configuration) ? configuration : {};
}

/** Of a version whose files were never read, only where they are. */
function writeServing({ servability, state }: AdapterVersion, path: string): JsonObject {
  const place = defined({ adapter_path: unlessEmpty(path) });
  const vllm = servability.find(({ engine }) => engine === "vllm");
  if (vllm === undefined) return place;
  return defined({
    enabled: vllm.servable && state === AdapterVersion_State.STATE_READY,
    ...place,
    max_lora_rank: unlessEmpty(vllm.minimumMaxLoraRank),
    enable_multi_lora: vllm.servable,
  });
}

/** What only this registry says, under the names that exported data has it by. */
function writeOrigin({ name, baseModel, artifact, provenance }: AdapterVersion): JsonObject {
  return defined({
    version: unlessEmpty(name),
    base_model_revision: unlessEmpty(baseModel?.revision ?? ""),
    artifact: unlessEmpty(artifact?.digest ?? ""),
    run: unlessEmpty(provenance?.run ?? ""),
    parent: unlessEmpty(provenance?.parent ?? ""),
    snapshots: unlessEmpty((provenance?.snapshots ?? []).map(writeSnapshot)),
  });
}

function writeSnapshot(snapshot: TrainingSnapshot): JsonObject {
  return defined({
    dataset: snapshot.dataset,
    dataset_version: snapshot.datasetVersion,
    snapshot: snapshot.snapshot,
    digest: snapshot.digest,
    revision: Number(snapshot.revision),
    num_samples: Number(snapshot.sampleCount),
  });
}
