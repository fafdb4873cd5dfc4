import { type BaseModel, type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredLayers } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { inByteOrder } from "../../kit/byte-order.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { isJsonObject } from "../../kit/json-object.ts";
import { limits } from "../../kit/limits.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import { checkBytes, checkMetadata } from "../adapters/check-fields.ts";

const nameForm = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,254}[A-Za-z0-9])?$/;
const revisionForm = /^[A-Za-z0-9._-]{1,128}$/;
/** No white space, no control character, no empty part. */
const layerForm = /^[^\s.\p{Cc}]+(\.[^\s.\p{Cc}]+)*$/u;
const otherNameForm = /^[^\p{Cc}]+$/u;

/** Revision of a model that has none. */
export const defaultRevision = "main";

/** A base model as it is kept: revision filled in, layers and other names in order. Throws FIELD_INVALID, LIMIT_EXCEEDED. */
export function checkBaseModel(model: BaseModel): BaseModel {
  checkBaseModelName(model.name);
  const revision = model.revision || defaultRevision;
  checkRevision(revision);
  checkDigest("weights_digest", model.weightsDigest);
  if (model.tokenizerDigest !== "") checkDigest("tokenizer_digest", model.tokenizerDigest);
  if (model.vocabularyDigest !== "") checkDigest("vocabulary_digest", model.vocabularyDigest);
  checkConfiguration(model.configurationJson);
  checkMetadata(model.metadata);
  for (const field of ["architecture", "modelType"] as const) checkShort(field, model[field]);
  return { ...model, revision, layers: checkLayers(model.layers), otherNames: checkOtherNames(model) };
}

/** Throws FIELD_INVALID for what can be no base model's name. */
export function checkBaseModelName(name: string): void {
  if (!nameForm.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw fieldInvalid("name", name, `${nameForm.source} without an empty, . or .. part`);
  }
}

export function isRevision(revision: string): boolean {
  return revisionForm.test(revision);
}

/** Throws FIELD_INVALID for what can be no revision. */
export function checkRevision(revision: string): void {
  if (!isRevision(revision)) throw fieldInvalid("revision", revision, revisionForm.source);
}

function checkDigest(field: string, digest: string): void {
  if (!sha256Form.test(digest)) throw fieldInvalid(field, digest, "64 hex digits, lowercase: a SHA-256");
}

const shortFields = { architecture: "architecture", modelType: "model_type" } as const;

function checkShort(field: keyof typeof shortFields, value: string): void {
  checkBytes(value, "registry_name_bytes", `The length of ${shortFields[field]}`);
}

function checkConfiguration(json: string): void {
  checkBytes(json, "base_model_configuration_bytes", "The length of configuration_json");
  if (json !== "" && !isJsonObject(json)) throw fieldInvalid("configuration_json", json, "a JSON object");
}

function checkLayers(layers: readonly Layer[]): Layer[] {
  if (layers.length === 0) throw fieldInvalid("layers", "", "the layers that adapters may target");
  for (const layer of layers.slice(0, limits.base_model_layers)) checkLayer(layer);
  const ordered = keptLayers(layers);
  const twice = ordered.find(({ name }, place) => ordered[place + 1]?.name === name);
  if (twice !== undefined) throw fieldInvalid("layers", twice.name, "each layer once");
  return ordered;
}

/** Layers in the order in which they are kept. Throws LIMIT_EXCEEDED. */
export function keptLayers(layers: readonly Layer[]): Layer[] {
  if (layers.length > limits.base_model_layers) {
    throw limitExceeded("base_model_layers", layers.length, "The number of layers");
  }
  const ordered = inByteOrder(layers, ({ name }) => name);
  const bytes = encoded(StoredLayers, { layers: ordered }).length;
  if (bytes > limits.base_model_layer_bytes)
    throw limitExceeded("base_model_layer_bytes", bytes, "The length of the layers");
  return ordered;
}

const kinds: ReadonlySet<Layer_Kind> = new Set([
  Layer_Kind.KIND_LINEAR,
  Layer_Kind.KIND_TRANSPOSED_LINEAR,
  Layer_Kind.KIND_EMBEDDING,
  Layer_Kind.KIND_CONVOLUTION,
  Layer_Kind.KIND_PARAMETER,
]);

function checkLayer({ name, kind, inputFeatures, outputFeatures, ...parameter }: Layer): void {
  checkBytes(name, "layer_name_bytes", "The length of a layer's name");
  if (!layerForm.test(name)) throw fieldInvalid("layers.name", name, "names of modules, joined by dots");
  if (!kinds.has(kind)) throw fieldInvalid("layers.kind", String(kind), `a kind of layer, for ${name}`);
  if (inputFeatures === 0 || outputFeatures === 0) {
    throw fieldInvalid(
      "layers",
      `${inputFeatures} × ${outputFeatures}`,
      `input_features and output_features of ${name}`,
    );
  }
  checkParameter(name, kind, parameter);
}

function checkParameter(
  name: string,
  kind: Layer_Kind,
  { matrixCount, parameterPlace, onlyInFiles }: Pick<Layer, "matrixCount" | "parameterPlace" | "onlyInFiles">,
): void {
  if (onlyInFiles) throw fieldInvalid("layers.only_in_files", "true", `false for ${name}: the registry sets it`);
  const isParameter = kind === Layer_Kind.KIND_PARAMETER;
  if (isParameter !== matrixCount > 0 || (!isParameter && parameterPlace > 0)) {
    const expected = isParameter ? "at least 1" : "0, as parameter_place,";
    throw fieldInvalid(
      "layers.matrix_count",
      `${matrixCount}, parameter_place ${parameterPlace}`,
      `${expected} for ${name}`,
    );
  }
  if (isParameter && !name.includes(".")) throw fieldInvalid("layers.name", name, "a module and its parameter");
}

/** Other names in order, each once and none the model's own. Throws FIELD_INVALID, LIMIT_EXCEEDED. */
export function checkOtherNames({ name, otherNames }: Pick<BaseModel, "name" | "otherNames">): string[] {
  const others = new Set(otherNames.filter((other) => other !== name));
  if (others.size > limits.base_model_names)
    throw limitExceeded("base_model_names", others.size, "The number of other names");
  for (const other of others) {
    checkBytes(other, "base_model_other_name_bytes", "The length of another name");
    if (!otherNameForm.test(other)) throw fieldInvalid("other_names", other, "a name without control characters");
  }
  return inByteOrder(others, (other) => other);
}
