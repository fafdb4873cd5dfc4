import {
  Method,
  type OutputConstraint,
  type TrainingConfiguration,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { isJsonObject } from "../../kit/json-object.ts";
import { type LimitName, limits } from "../../kit/limits.ts";
import { checkDigest } from "../artifacts/artifact-digest.ts";
import { checkBytes, checkMetadata, checkMetrics, withoutPassword } from "./check-fields.ts";
import { checkAdapterName, checkAliasName, parseVersionReference } from "./names.ts";

const requestForm = /^[0-9A-Za-z_-]{1,64}$/;
const languageForm = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;

/** What a request says by itself, whatever is registered. Throws FIELD_INVALID, LIMIT_EXCEEDED. */
export function checkRegisterFields(request: RegisterVersionRequest): void {
  checkAdapterName(request.adapter);
  checkFiles(request);
  checkMethod(request.method);
  if (request.parent !== "") parseVersionReference(request.parent, "parent");
  if (request.alias !== "") checkAliasName(request.alias);
  if (request.request !== "" && !requestForm.test(request.request)) {
    throw fieldInvalid("request", request.request, requestForm.source);
  }
  checkTexts(request);
  checkTraining(request.training);
  checkConstraint(request.constraint);
  checkJsonObject("serving_hints_json", request.servingHintsJson, "serving_hints_bytes");
  checkMetrics(request.metrics);
  checkMetadata(request.metadata);
}

function checkFiles({ files }: RegisterVersionRequest): void {
  if (files === undefined) throw fieldInvalid("files", "", "artifact or uri");
  if (files.$case === "artifact") checkDigest(files.value);
}

function checkMethod(method: Method): void {
  const known = [Method.METHOD_UNSPECIFIED, Method.METHOD_LORA, Method.METHOD_QLORA, Method.METHOD_DORA];
  if (!known.some((one) => one === method)) throw fieldInvalid("method", String(method), "a method of the enum");
}

function checkTexts({ task, label, language, dataSourceUri, domains, run, snapshots }: RegisterVersionRequest): void {
  if (domains.length > limits.version_domains) {
    throw limitExceeded("version_domains", domains.length, "The number of domains");
  }
  if (domains.includes("")) throw fieldInvalid("domains", "", "a name for each domain");
  if (snapshots.includes("")) throw fieldInvalid("snapshots", "", "a key for each snapshot");
  const texts = { task, label, language, data_source_uri: dataSourceUri, run };
  for (const [field, text] of Object.entries(texts)) checkText(field, text);
  for (const domain of domains) checkText("domains", domain);
  if (language !== "" && !languageForm.test(language)) throw fieldInvalid("language", language, "a BCP 47 tag");
  checkNoPassword(dataSourceUri);
}

function checkNoPassword(uri: string): void {
  const shown = withoutPassword(uri);
  if (shown !== uri) throw fieldInvalid("data_source_uri", shown, "a URI without a password, since all readers see it");
}

function checkText(field: string, text: string): void {
  checkBytes(text, "version_text_bytes", `The length of ${field}`);
  if (text.includes("\0")) throw fieldInvalid(field, text, "a text without NUL");
}

function checkTraining(training: TrainingConfiguration | undefined): void {
  if (training === undefined) return;
  const { datasetName, epochs, learningRate, configurationJson } = training;
  checkText("training.dataset_name", datasetName);
  checkNotNegative("training.epochs", epochs);
  checkNotNegative("training.learning_rate", learningRate);
  checkJsonObject("training.configuration_json", configurationJson, "training_configuration_bytes");
}

function checkNotNegative(field: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) throw fieldInvalid(field, String(value), "a finite number, not below 0");
}

function checkConstraint(constraint: OutputConstraint | undefined): void {
  if (constraint === undefined) return;
  const text = constraint.constraint?.value ?? "";
  if (text === "") throw fieldInvalid("constraint", "", "a JSON Schema, a pattern or a grammar");
  checkBytes(text, "constraint_bytes", "The length of constraint");
}

function checkJsonObject(field: string, text: string, limit: LimitName): void {
  checkBytes(text, limit, `The length of ${field}`);
  if (text !== "" && !isJsonObject(text)) throw fieldInvalid(field, text, "a JSON object, or nothing");
}
