import { test } from "vitest";
import { AdapterVersion_State } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import { expectDocumentedError } from "../../test/support/error-reasons.ts";
import type { Reason } from "../kit/errors.ts";
import * as adapters from "./adapters/adapter-errors.ts";
import * as artifacts from "./artifacts/artifact-errors.ts";
import * as models from "./base-models/base-model-errors.ts";
import { documentInvalid } from "./interchange/document-invalid.ts";
import { signatureInvalid } from "./signatures/signature-invalid.ts";
import * as exports from "./training/export-errors.ts";

const version = { adapter: "law", version: 3 };
const revisions = { adapter: "law", alias: "production", expected: 1n, actual: 2n };
const quarantined = AdapterVersion_State.STATE_QUARANTINED;

test.each<[Reason, () => unknown]>([
  ["BASE_MODEL_NOT_FOUND", () => models.baseModelNotFound("a")],
  ["BASE_MODEL_NOT_FOUND", () => models.baseModelNotFound("a", "main")],
  ["BASE_MODEL_NOT_FOUND", () => models.revisionNeeded("a", ["b", "c"])],
  ["BASE_MODEL_CONFLICT", () => models.baseModelConflict("a", "main", "layers", "They differ")],
  ["BASE_MODEL_IN_USE", () => models.baseModelInUse("a", "main", "law@3")],
  ["ADAPTER_NOT_FOUND", () => adapters.adapterNotFound("law")],
  ["ADAPTER_NOT_FOUND", () => adapters.adapterDeleted("law")],
  ["ADAPTER_IN_USE", () => adapters.adapterInUse("law", { alias: "production" })],
  ["ADAPTER_IN_USE", () => adapters.adapterInUse("law", { child: "tax@1" })],
  ["VERSION_NOT_FOUND", () => adapters.versionNotFound(version)],
  ["VERSION_NOT_FOUND", () => adapters.versionDeleted(version)],
  ["VERSION_IN_USE", () => adapters.versionInUse(version, { alias: "production" })],
  ["VERSION_IN_USE", () => adapters.versionInUse(version, { child: "tax@1" })],
  ["VERSION_NOT_SERVABLE", () => adapters.versionNotServable(version, quarantined, "it is quarantined")],
  ["VERSION_NOT_SERVABLE", () => adapters.versionNotServable(version, quarantined, "it has DoRA", "vllm")],
  ["ALIAS_NOT_FOUND", () => adapters.aliasNotFound("law", "production")],
  ["ALIAS_CONFLICT", () => adapters.aliasConflict(revisions)],
  ["CONFLICT", () => adapters.revisionConflict("Adapter law", 1n, 2n)],
  ["ARTIFACT_NOT_FOUND", () => artifacts.artifactNotFound("00")],
  ["CONFLICT", () => artifacts.artifactBeingRemoved("00")],
  ["ARTIFACT_INVALID", () => artifacts.artifactInvalid("It ends too early.")],
  ["ARTIFACT_INVALID", () => artifacts.artifactInvalid("comes twice", "a")],
  ["ADAPTER_FILE_FORBIDDEN", () => artifacts.pickleForbidden("a.bin", "is a pickle")],
  ["ADAPTER_FILE_MISSING", () => artifacts.fileMissing("adapter_config.json")],
  ["ADAPTER_FILE_CHANGED", () => artifacts.fileChanged("a", "00", "01")],
  ["STORE_UNAVAILABLE", () => artifacts.storageUnavailable(new Error("x"))],
  ["SIGNATURE_INVALID", () => signatureInvalid("It is false.")],
  ["SIGNATURE_INVALID", () => signatureInvalid("has another digest", { path: "a" })],
  ["DOCUMENT_INVALID", () => documentInvalid("[0].id", "is missing")],
  ["EXPORT_UNAVAILABLE", () => exports.notConfigured()],
  ["EXPORT_UNAVAILABLE", () => exports.toServiceError(new Error("x"))],
])("%s carries what its comment says", (expected, make) => expectDocumentedError(expected, make()));
