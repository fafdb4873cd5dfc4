import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Client } from "nice-grpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signFiles } from "../../../clients/typescript/src/model-signature.ts";
import {
  AdapterServiceDefinition,
  RenderVersionsRequest_Format as Format,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { ArtifactServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../../test/support/stores.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../../test/support/tiny-adapter.ts";

const ours = generateKeyPairSync("ed25519");
const others = generateKeyPairSync("ed25519");
const trustedKey = (pair: typeof ours) => ({ publicKey: pemOf(pair.publicKey), description: "CI" });

describe.each(storeKinds)("on %s", (kind) => {
  let server: TestServer;
  let client: Client<typeof AdapterServiceDefinition>;
  let artifact: Artifact;
  beforeEach(async () => {
    server = await startTestRegistry({ configuration: storeConfiguration(kind) });
    client = server.client(AdapterServiceDefinition);
    await server.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel("tiny") });
    artifact = await uploadFiles(server.client(ArtifactServiceDefinition), tinyAdapter("tiny"));
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const bundleBy = (pair: typeof ours) => signFiles("legal", artifact.files, pemOf(pair.privateKey));
  const register = (signatureBundleJson = "") =>
    client.registerVersion({
      adapter: "legal",
      files: { $case: "artifact", value: artifact.digest },
      alias: "production",
      signatureBundleJson,
    });
  const put = (required: boolean, ...pairs: (typeof ours)[]) =>
    client.putSignaturePolicy({ policy: { required, trustedKeys: pairs.map(trustedKey) } });
  const served = () => client.resolveAlias({ name: "legal@production" });

  test("of a tenant that put no policy nothing is required", async () => {
    expect((await client.getSignaturePolicy({})).policy).toEqual({ required: false, trustedKeys: [] });
    const { version } = await register();
    expect(version?.signature).toBeUndefined();
    await served();
  });

  test("a policy is kept as it was put, with the ids of its keys", async () => {
    const { policy } = await put(true, ours, others);
    expect(policy?.trustedKeys.map(({ keyId }) => keyId)).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.any(String),
    ]);
    expect((await client.getSignaturePolicy({})).policy).toEqual(policy);
    const refused = await failure(client.putSignaturePolicy({ policy: { trustedKeys: [{ publicKey: "no key" }] } }));
    expect(refused).toMatchObject({ reason: "FIELD_INVALID", fields: ["policy.trusted_keys[0].public_key"] });
    expect((await client.getSignaturePolicy({})).policy).toEqual(policy);
  });

  test("of two who change the policy that they read, one is told", async () => {
    const first = await client.getSignaturePolicy({});
    expect(first.revision).toBe(0n);
    const mine = { policy: { required: false, trustedKeys: [trustedKey(ours)] }, expectedRevision: 0n };
    const put = await client.putSignaturePolicy(mine);
    expect(await client.getSignaturePolicy({})).toEqual(put);
    expect(
      await failure(client.putSignaturePolicy({ policy: { required: true }, expectedRevision: 0n })),
    ).toMatchObject({
      reason: "CONFLICT",
      metadata: { expected_revision: "0", actual_revision: String(put.revision) },
    });
    expect(await client.putSignaturePolicy(mine)).toEqual(put);
    const next = await client.putSignaturePolicy({ policy: { required: true }, expectedRevision: put.revision });
    expect(next.revision).toBeGreaterThan(put.revision);
  });

  test("where signatures are required, only versions with a trusted one are made", async () => {
    await put(true, ours);
    expect(await failure(register())).toMatchObject({ reason: "SIGNATURE_REQUIRED" });
    expect(await failure(register(bundleBy(others)))).toMatchObject({ reason: "SIGNATURE_INVALID" });
    expect((await client.listVersions({})).versions).toEqual([]);
    const bundle = bundleBy(ours);
    const { version } = await register(bundle);
    expect(version?.signature).toMatchObject({ bundleJson: bundle, trusted: true });
    await served();
  });

  test("a version that is there is served only once somebody signed it with a trusted key", async () => {
    await register();
    await put(true, ours);
    const unsigned = { reason: "SIGNATURE_REQUIRED", message: expect.stringContaining("legal@1 has no signature") };
    expect(await failure(served())).toMatchObject(unsigned);
    expect(await failure(download())).toMatchObject(unsigned);
    expect(await failure(vllm())).toMatchObject(unsigned);
    const move = { adapter: "legal", alias: "canary", version: 1 };
    expect(await failure(client.moveAlias(move))).toMatchObject(unsigned);
    const bundle = bundleBy(ours);
    const { version } = await client.signVersion({ version: "legal@production", signatureBundleJson: bundle });
    expect(version?.signature).toMatchObject({ bundleJson: bundle, trusted: true });
    const { version: again } = await client.signVersion({ version: "legal@1", signatureBundleJson: bundle });
    expect(again).toEqual(version);
    await served();
    await vllm();
    await client.moveAlias(move);
    await Array.fromAsync(download());
  });

  test("a key that is trusted no more serves nothing; trusted again, everything", async () => {
    await put(false, ours);
    await register(bundleBy(ours));
    await put(false);
    const { version } = await client.getVersion({ version: "legal@1" });
    expect(version?.signature).toMatchObject({ trusted: false });
    await served();
    await put(true, others);
    expect(await failure(served())).toMatchObject({
      reason: "SIGNATURE_REQUIRED",
      metadata: { key: version?.signature?.keyId },
    });
    await put(true, ours);
    await served();
  });

  test("a signature over other files, or none, changes nothing", async () => {
    await put(false, ours);
    await register(bundleBy(ours));
    const { version } = await client.getVersion({ version: "legal@1" });
    const other = signFiles("legal", [{ path: "adapter_config.json", digest: "0".repeat(64) }], pemOf(ours.privateKey));
    expect(await failure(client.signVersion({ version: "legal@1", signatureBundleJson: other }))).toMatchObject({
      reason: "SIGNATURE_INVALID",
      metadata: { path: "adapter_config.json" },
    });
    expect(await failure(client.signVersion({ version: "legal@1" }))).toMatchObject({ reason: "FIELD_INVALID" });
    expect((await client.getVersion({ version: "legal@1" })).version).toEqual(version);
  });

  const download = () => server.client(ArtifactServiceDefinition).downloadArtifact({ version: "legal@1" });
  const vllm = () =>
    client.renderVersions({ versions: ["legal@1"], format: Format.FORMAT_VLLM_ARGUMENTS, pathTemplate: "/m/{name}" });
});

test("an import is signed once its files were read", async () => {
  await using server = await startTestRegistry();
  const client = server.client(AdapterServiceDefinition);
  await client.importVersions({ format: Format.FORMAT_ADAPTER_REGISTRY, content: '[{"id":"imported"}]' });
  const bundle = signFiles("imported", [{ path: "a", digest: "0".repeat(64) }], pemOf(ours.privateKey));
  expect(await failure(client.signVersion({ version: "imported@1", signatureBundleJson: bundle }))).toMatchObject({
    reason: "VERSION_NOT_SERVABLE",
    metadata: { state: "DECLARED" },
  });
});

function pemOf(key: KeyObject): string {
  return key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }) as string;
}
