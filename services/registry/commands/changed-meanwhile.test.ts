import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signFiles } from "../../../clients/typescript/src/model-signature.ts";
import {
  AdapterVersion,
  Declared,
  AdapterVersion_State as State,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  RegisterVersionRequest,
  type SignaturePolicy,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { type Artifact, UploadArtifactRequest } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModel, Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { uploadMessages } from "../../../test/support/artifacts.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { tinyAdapter, tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import { checkBaseModel } from "../base-models/check-base-model.ts";
import type { RegistryContext } from "../context.ts";
import { normalisePolicy } from "../signatures/policy.ts";
import { deleteBaseModel } from "./delete-base-model.ts";
import { getAdapter } from "./get-adapter.ts";
import { listVersions } from "./list-versions.ts";
import { moveAlias } from "./move-alias.ts";
import { putSignaturePolicy } from "./put-signature-policy.ts";
import { registerBaseModel } from "./register-base-model.ts";
import { registerVersion } from "./register-version.ts";
import { signVersion } from "./sign-version.ts";
import { uploadArtifact } from "./upload-artifact.ts";
import { verifyVersion } from "./verify-version.ts";

const base = "tiny/base";
const never = new AbortController().signal;
let place: RegistryPlace;
let artifact: Artifact;

beforeEach(async () => {
  place = await RegistryPlace.open("memory");
  await registerBase();
  artifact = await uploadArtifact(place.context, 1, messages());
});
afterEach(() => place[Symbol.asyncDispose]());

async function registerBase(said: Partial<BaseModel> = {}): Promise<void> {
  const model = checkBaseModel(BaseModel.fromPartial({ ...tinyBaseModel(base), ...said }));
  await registerBaseModel(place.context, 1, model, "tester");
}

async function* messages(): AsyncGenerator<UploadArtifactRequest["message"]> {
  const contents = Object.fromEntries(tinyAdapter(base).map(({ path, bytes }) => [path, bytes]));
  for (const message of uploadMessages(contents)) yield UploadArtifactRequest.fromPartial(message).message;
}

/** A context in which something happens once, just before the first commit. */
function before(happens: () => Promise<unknown>): RegistryContext {
  let happened: Promise<unknown> | undefined;
  const commit: RegistryContext["store"]["commit"] = async (...args) => {
    happened ??= happens();
    await happened;
    return place.store.commit(...args);
  };
  return { ...place.context, store: Object.create(place.store, { commit: { value: commit } }) };
}

const imported = () =>
  place.makeVersion("tone", { artifact, declared: Declared.create({ format: "adapter_registry" }) });

test("a version is kept with the base model that it was checked against", async () => {
  const weightsDigest = "0".repeat(64);
  const context = before(async () => {
    await deleteBaseModel(place.context, 1, { name: base, revision: "main" });
    await registerBase({ weightsDigest });
  });
  const { version, problems } = await verifyVersion(context, registryCaller, await imported(), never);
  expect(problems).toEqual([]);
  expect(version).toMatchObject({ state: State.STATE_READY, baseModel: { name: base, weightsDigest } });
});

test("a base model that is gone is what is wrong with a version", async () => {
  const context = before(() => deleteBaseModel(place.context, 1, { name: base, revision: "main" }));
  const { version, problems } = await verifyVersion(context, registryCaller, await imported(), never);
  expect(problems.map(({ reason }) => reason)).toEqual(["BASE_MODEL_NOT_FOUND"]);
  expect(version).toMatchObject({ state: State.STATE_QUARANTINED });
});

test("what is found of an import has the limit of what is registered", async () => {
  const declared = Declared.create({ format: "adapter_registry", document: "x".repeat(2.5 * 1024 * 1024 - 500) });
  const name = await place.makeVersion("tone", AdapterVersion.create({ artifact, declared }));
  const { version, problems } = await verifyVersion(place.context, registryCaller, name, never);
  expect(problems).toMatchObject([{ reason: "LIMIT_EXCEEDED", message: expect.stringContaining("version_bytes") }]);
  expect(version).toMatchObject({ state: State.STATE_QUARANTINED, peft: undefined });
});

const toneRequest = () =>
  RegisterVersionRequest.fromPartial({ adapter: "tone", files: { $case: "artifact", value: artifact.digest } });

test("a version is made at once although metadata and other names of its base model change", async () => {
  const verified = vi.spyOn(place.context.inspections, "begin");
  const context = before(() => registerBase({ metadata: { seen: "1" }, otherNames: ["/job-1"] }));
  expect((await registerVersion(context, registryCaller, toneRequest(), never)).name).toBe("tone@1");
  expect(verified).toHaveBeenCalledTimes(1);
});

test("a version is made of the base model as it became before the commit", async () => {
  const weightsDigest = "0".repeat(64);
  const context = before(async () => {
    await deleteBaseModel(place.context, 1, { name: base, revision: "main" });
    await registerBase({ weightsDigest });
  });
  const made = await registerVersion(context, registryCaller, toneRequest(), never);
  expect(made).toMatchObject({ name: "tone@1", baseModel: { name: base, weightsDigest } });
});

test("a version is verified again where layers were added to its base model", async () => {
  const verified = vi.spyOn(place.context.inspections, "begin");
  const linear = { inputFeatures: 8, outputFeatures: 8 };
  const expert = Layer.create({ ...linear, name: "mlp.experts.up", kind: Layer_Kind.KIND_PARAMETER, matrixCount: 2 });
  const context = before(() => registerBase({ layers: [...(tinyBaseModel(base).layers ?? []), expert] }));
  await registerVersion(context, registryCaller, toneRequest(), never);
  expect(verified).toHaveBeenCalledTimes(2);
});

const putPolicy = (policy: SignaturePolicy) =>
  putSignaturePolicy(place.context, registryCaller, { policy, expectedRevision: undefined });
const strict: SignaturePolicy = { required: true, trustedKeys: [] };

test("a version is made under the signature policy that holds when it is made", async () => {
  const context = before(() => putPolicy(strict));
  const refused = registerVersion(context, registryCaller, toneRequest(), never);
  await expect(refused).rejects.toMatchObject({ reason: "SIGNATURE_REQUIRED" });
  const { revision: at } = await place.store.head(1);
  const list = { adapter: "", matches: undefined, includeDeleted: true, limit: 10, at, start: undefined };
  expect((await listVersions(place.context, 1, list)).versions).toEqual([]);
});

test("an alias moves under the signature policy that holds when it moves", async () => {
  const { version } = await place.makeVersion("tone");
  const move = { adapter: "tone", alias: "production", version, expectedRevision: undefined, reason: "", actor: "" };
  const refused = moveAlias(
    before(() => putPolicy(strict)),
    1,
    move,
  );
  await expect(refused).rejects.toMatchObject({ reason: "SIGNATURE_REQUIRED" });
  expect((await getAdapter(place.context, 1, "tone", false)).aliases).toEqual([]);
});

test("a version is signed under the signature policy that holds when it is signed", async () => {
  const pair = generateKeyPairSync("ed25519");
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  await putPolicy(normalisePolicy({ required: true, trustedKeys: [{ keyId: "", publicKey, description: "" }] }));
  const name = await place.makeVersion("tone", { artifact });
  const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const bundle = signFiles("tone", artifact.files, privateKey);
  const refused = signVersion(
    before(() => putPolicy(strict)),
    1,
    name,
    bundle,
  );
  await expect(refused).rejects.toMatchObject({ reason: "SIGNATURE_INVALID" });
  expect((await getVersion(place.store, 1, name)).state.signature).toBeUndefined();
});
