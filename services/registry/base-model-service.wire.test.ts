import { Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failure } from "../../test/support/failure.ts";
import { type RegistryClients, registryClients } from "../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../test/support/registry-server.ts";
import type { TestServer } from "../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../test/support/stores.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../test/support/tiny-adapter.ts";

describe.each(storeKinds)("base model service on %s", (kind) => {
  let server: TestServer;
  let clients: RegistryClients;
  beforeAll(async () => {
    server = await startTestRegistry({ configuration: storeConfiguration(kind) });
    clients = registryClients(server, server.token);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("models are registered, shown, listed in pages and deleted", async () => {
    const { models } = clients;
    for (const name of ["b", "a/one", "a/two"]) await models.registerBaseModel({ baseModel: tinyBaseModel(name) });
    await models.registerBaseModel({ baseModel: { ...tinyBaseModel("b"), revision: "v2", otherNames: ["/models/b"] } });
    const { baseModel } = await models.getBaseModel({ name: "/models/b" });
    expect(baseModel).toMatchObject({ ...tinyBaseModel("b"), revision: "v2", otherNames: ["/models/b"] });
    expect(baseModel?.createTime).toBeDefined();
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await models.listBaseModels({ pageSize: 3, pageToken });
      expect(page.baseModels.every((model) => model.layers.length === 0 && model.configurationJson === "")).toBe(true);
      listed.push(...page.baseModels.map(({ name, revision }) => `${name}@${revision}`));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(listed).toEqual(["a/one@main", "a/two@main", "b@main", "b@v2"]);
    await models.deleteBaseModel({ name: "b", revision: "v2" });
    await models.deleteBaseModel({ name: "b", revision: "v2" });
    expect(await failure(models.getBaseModel({ name: "/models/b" }))).toMatchObject({
      code: Status.NOT_FOUND,
      reason: "BASE_MODEL_NOT_FOUND",
      metadata: { base_model: "/models/b" },
    });
  });

  test("one that a version is of stays", async () => {
    const { models, adapters, artifacts } = clients;
    await models.registerBaseModel({ baseModel: tinyBaseModel("used") });
    const { digest } = await uploadFiles(artifacts, tinyAdapter("used"));
    await adapters.registerVersion({ adapter: "user", files: { $case: "artifact", value: digest } });
    const inUse = { code: Status.FAILED_PRECONDITION, reason: "BASE_MODEL_IN_USE", metadata: { version: "user@1" } };
    expect(await failure(models.deleteBaseModel({ name: "used" }))).toMatchObject(inUse);
    await adapters.deleteVersion({ version: "user@1" });
    expect(await failure(models.deleteBaseModel({ name: "used" }))).toMatchObject(inUse);
    const conflict = models.registerBaseModel({ baseModel: { ...tinyBaseModel("used"), hiddenSize: 16 } });
    expect(await failure(conflict)).toMatchObject({
      reason: "BASE_MODEL_CONFLICT",
      metadata: { field: "hidden_size" },
    });
  });

  test("what is no base model is refused with its field", async () => {
    const { models } = clients;
    expect(await failure(models.registerBaseModel({}))).toMatchObject({ fields: ["base_model"] });
    expect(await failure(models.registerBaseModel({ baseModel: { name: "a" } }))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      fields: ["weights_digest"],
    });
    expect(await failure(models.listBaseModels({ pageSize: -1 }))).toMatchObject({ fields: ["page_size"] });
    expect(await failure(models.deleteBaseModel({ name: "../a" }))).toMatchObject({ fields: ["name"] });
    expect(await failure(models.getBaseModel({}))).toMatchObject({ reason: "BASE_MODEL_NOT_FOUND" });
  });
});
