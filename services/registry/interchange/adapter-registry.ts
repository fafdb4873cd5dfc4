import { z } from "zod";
import { AdapterVersion, type Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { limitExceeded } from "../../kit/field.ts";
import { isObject } from "../../kit/json-object.ts";
import { limits } from "../../kit/limits.ts";
import {
  adapterId,
  adapterOf,
  baseModelName,
  domains,
  method,
  methodWord,
  metrics,
  optional,
  place,
  rank,
  readBaseModel,
  readShape,
  text,
  unlessEmpty,
} from "./document-fields.ts";
import { documentInvalid } from "./document-invalid.ts";
import { defined, type JsonObject } from "./json-document.ts";

const shape = z.object({
  id: adapterId,
  domain: domains,
  method,
  rank: optional(rank, 0),
  base_model: baseModelName,
  base_model_hash: text,
  tokenizer_hash: text,
  metrics,
  dataset_ref: place,
  path: place,
});

/** The entries of an `adapter_registry.json`: a list, or one entry alone. Throws DOCUMENT_INVALID, or LIMIT_EXCEEDED (`import_entries`). */
export function registryEntries(document: unknown): readonly unknown[] {
  const entries = isObject(document) ? [document] : document;
  if (!Array.isArray(entries)) throw documentInvalid("", "expected a list of entries");
  if (entries.length > limits.import_entries) {
    throw limitExceeded("import_entries", entries.length, "The number of entries");
  }
  return entries;
}

/** What an entry says of a version; nothing of it is checked. `index` is its place in the document. Throws DOCUMENT_INVALID. */
export function readRegistryEntry(entry: unknown, index = 0): AdapterVersion {
  const fields = readShape(shape, entry, [index]);
  return AdapterVersion.fromPartial({
    adapter: adapterOf(fields.id),
    baseModel: readBaseModel(fields.base_model),
    method: fields.method,
    peft: fields.rank === 0 ? undefined : { r: fields.rank },
    domains: fields.domain,
    metrics: fields.metrics,
    declared: {
      id: fields.id,
      baseModelHash: fields.base_model_hash,
      tokenizerHash: fields.tokenizer_hash,
      datasetReference: fields.dataset_ref,
      artifactPath: fields.path,
    },
  });
}

/** A version as an entry of `adapter_registry.json`; `path` is its folder, empty where nobody knows. */
export function writeRegistryEntry(version: AdapterVersion, path: string): JsonObject {
  const { baseModel, declared } = version;
  return defined({
    id: unlessEmpty(declared?.id ?? "") ?? version.name,
    domain: version.domains,
    method: methodWord(version.method),
    rank: unlessEmpty(version.peft?.r ?? 0),
    base_model: unlessEmpty(baseModel?.name ?? ""),
    base_model_hash: unlessEmpty(declared?.baseModelHash || baseModel?.weightsDigest || ""),
    tokenizer_hash: unlessEmpty(declared?.tokenizerHash || baseModel?.tokenizerDigest || ""),
    metrics: version.metrics,
    dataset_ref: unlessEmpty(declared?.datasetReference || dataReference(version.provenance)),
    path: unlessEmpty(path),
  });
}

/** What a version was trained on, in one text: a dataset's version, else a snapshot, else where the data came from or what it is called. */
function dataReference(provenance: Provenance | undefined): string {
  const [snapshot] = provenance?.snapshots ?? [];
  if (snapshot === undefined) return provenance?.dataSourceUri || provenance?.training?.datasetName || "";
  return snapshot.dataset === "" ? snapshot.snapshot : `${snapshot.dataset}@${snapshot.datasetVersion}`;
}
