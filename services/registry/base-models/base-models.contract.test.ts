import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BaseModel, Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { RegistryPlace } from "../../../test/support/registry-place.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";
import { deleteBaseModel } from "../commands/delete-base-model.ts";
import { registerBaseModel } from "../commands/register-base-model.ts";
import { checkBaseModel } from "./check-base-model.ts";
import { findBaseModel, readBaseModel, useOfBaseModel } from "./stored-base-models.ts";

describe.each(storeKinds)("base models in %s", (kind) => {
  let place: RegistryPlace;
  beforeEach(async () => {
    place = await RegistryPlace.open(kind);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const model = (name: string, change: Partial<BaseModel> = {}) =>
    checkBaseModel(BaseModel.fromPartial({ ...tinyBaseModel(name), ...change }));
  const register = (name: string, change: Partial<BaseModel> = {}, tenant = 1) =>
    registerBaseModel(place.context, tenant, model(name, change), "tester");
  const find = async (name: string, revision = "") =>
    (await findBaseModel(place.store, 1, { name, revision })).baseModel.revision;

  test("the same again adds other names and metadata to those that are there", async () => {
    const made = await register("a/b", { otherNames: ["/models/b"], metadata: { x: "1" } });
    expect(await register("a/b")).toEqual(made);
    const added = await register("a/b", { otherNames: ["/mnt/b"], metadata: { y: "2" } });
    expect(added).toEqual({ ...made, otherNames: ["/mnt/b", "/models/b"], metadata: { x: "1", y: "2" } });
    for (const name of ["/mnt/b", "/models/b"]) expect(await find(name)).toBe("main");
    await register("c", { otherNames: ["c/d"] });
    await expect(register("a/b", { otherNames: ["c/d"] })).rejects.toMatchObject({
      metadata: { field: "other_names" },
    });
  });

  test("the same again gives what is there, other content is a conflict", async () => {
    const made = await register("a/b", { otherNames: ["/models/b"], metadata: { x: "1", y: "2" } });
    expect(made).toMatchObject({ name: "a/b", revision: "main", creator: "tester" });
    place.passSeconds(60);
    expect(await register("a/b", { otherNames: ["/models/b", "/models/b"], metadata: { y: "2", x: "1" } })).toEqual(
      made,
    );
    expect((await readBaseModel(place.store, 1, { name: "a/b", revision: "" })).baseModel).toEqual(made);
    const kept = { otherNames: ["/models/b"], metadata: { x: "1", y: "2" } };
    const changes: readonly [Partial<BaseModel>, string][] = [
      [{ ...kept, weightsDigest: "c".repeat(64) }, "weights_digest"],
      [{ ...kept, tokenizerDigest: "" }, "tokenizer_digest"],
      [{ ...kept, layers: model("a/b").layers.slice(1) }, "layers"],
    ];
    for (const [change, field] of changes) {
      await expect(register("a/b", change)).rejects.toMatchObject({
        reason: "BASE_MODEL_CONFLICT",
        metadata: { base_model: "a/b", revision: "main", field },
      });
    }
    expect((await readBaseModel(place.store, 1, { name: "a/b", revision: "" })).baseModel).toEqual(made);
  });

  test("the digest of a vocabulary may be added, and is then kept", async () => {
    const made = await register("a/b");
    expect(made.vocabularyDigest).toBe("");
    const added = await register("a/b", { vocabularyDigest: "e".repeat(64) });
    expect(added).toEqual({ ...made, vocabularyDigest: "e".repeat(64) });
    expect(await register("a/b")).toEqual(added);
    expect((await readBaseModel(place.store, 1, { name: "a/b", revision: "" })).baseModel).toEqual(added);
    await expect(register("a/b", { vocabularyDigest: "f".repeat(64) })).rejects.toMatchObject({
      reason: "BASE_MODEL_CONFLICT",
      metadata: { base_model: "a/b", revision: "main", field: "vocabulary_digest" },
    });
  });

  describe("what a model tells of its experts and what its files tell", () => {
    const linear = { kind: Layer_Kind.KIND_LINEAR, inputFeatures: 8, outputFeatures: 8 };
    const gate = { ...linear, kind: Layer_Kind.KIND_PARAMETER, matrixCount: 2 };
    const [query, expert] = ["q_proj", "experts.0.w1"].map((name) => Layer.create({ ...linear, name })) as [
      Layer,
      Layer,
    ];
    const [up, down] = ["experts.up", "experts.down"].map((name) => Layer.create({ ...gate, name })) as [Layer, Layer];
    const [files, ofModel] = [
      [query, expert],
      [query, up],
    ];

    test.each([
      [files, ofModel],
      [ofModel, files],
    ])("is kept together, whichever comes first", async (first, second) => {
      const made = await register("a/b", { layers: first });
      const grown = await register("a/b", { layers: second });
      expect(grown).toEqual({ ...made, layers: [{ ...expert, onlyInFiles: true }, up, query] });
      for (const layers of [files, ofModel]) expect(await register("a/b", { layers })).toEqual(grown);
      const others = [
        [up],
        [query, up, down],
        [query, { ...up, matrixCount: 3 }],
        [...files, { ...query, name: "k_proj" }],
        [{ ...query, outputFeatures: 9 }, expert],
      ];
      for (const layers of others) {
        await expect(register("a/b", { layers })).rejects.toMatchObject({ metadata: { field: "layers" } });
      }
    });

    test.each([
      [files, [query, up, { ...query, name: "extra" }]],
      [files, [{ ...query, outputFeatures: 9 }, up]],
      [ofModel, [expert]],
    ])("is a conflict where the model has a layer that the files lack, or another one", async (first, second) => {
      await register("a/b", { layers: first });
      await expect(register("a/b", { layers: second })).rejects.toMatchObject({ metadata: { field: "layers" } });
    });

    test("may differ in a convolution's inputs, whose groups files do not tell", async () => {
      const convolution = Layer.create({
        ...linear,
        name: "conv",
        kind: Layer_Kind.KIND_CONVOLUTION,
        inputFeatures: 1,
      });
      await register("a/b", { layers: [convolution] });
      const { layers } = await register("a/b", { layers: [{ ...convolution, inputFeatures: 8 }, up] });
      expect(layers).toEqual([{ ...convolution, inputFeatures: 8 }, up]);
    });
  });

  test("of several revisions one has to be named, unless one is called main", async () => {
    await register("a/b", { revision: "v1" });
    expect(await find("a/b")).toBe("v1");
    await register("a/b", { revision: "v2" });
    await expect(find("a/b")).rejects.toMatchObject({ reason: "BASE_MODEL_NOT_FOUND", metadata: { revision: "" } });
    await expect(find("a/b")).rejects.toThrow(/v1, v2/);
    await register("a/b", { revision: "main" });
    expect(await find("a/b")).toBe("main");
    expect(await find("a/b", "v2")).toBe("v2");
    await expect(find("a/b", "v3")).rejects.toMatchObject({ metadata: { base_model: "a/b", revision: "v3" } });
    for (const name of ["a", "a/b/c", "", "a\0b", "a".repeat(2000)]) {
      await expect(find(name)).rejects.toMatchObject({
        reason: "BASE_MODEL_NOT_FOUND",
        metadata: { base_model: name },
      });
    }
  });

  test("other names belong to one model, in the revisions that have them", async () => {
    await register("a/b", { revision: "v1", otherNames: ["/models/b", "b"] });
    await register("a/b", { revision: "v2", otherNames: ["/models/b"] });
    expect(await find("b")).toBe("v1");
    expect(await find("/models/b", "v2")).toBe("v2");
    await expect(find("b", "v2")).rejects.toMatchObject({ metadata: { base_model: "b", revision: "v2" } });
    const taken = { reason: "BASE_MODEL_CONFLICT", metadata: { field: "other_names" } };
    await expect(register("c", { otherNames: ["b"] })).rejects.toMatchObject(taken);
    await expect(register("c", { otherNames: ["a/b"] })).rejects.toMatchObject(taken);
    await expect(register("b")).rejects.toMatchObject({ reason: "BASE_MODEL_CONFLICT", metadata: { field: "name" } });
    await deleteBaseModel(place.context, 1, { name: "a/b", revision: "v1" });
    await expect(find("b")).rejects.toMatchObject({ reason: "BASE_MODEL_NOT_FOUND" });
    await register("c", { otherNames: ["b"] });
    expect(await find("b")).toBe("main");
  });

  test("of many that want the same name at once one gets it", async () => {
    const names = Array.from({ length: 8 }, (_, number) => `model-${number}`);
    const settled = await Promise.allSettled(names.map((name) => register(name, { otherNames: ["shared"] })));
    const failed = settled.filter((one) => one.status === "rejected");
    expect(failed).toHaveLength(7);
    for (const { reason } of failed) expect(reason).toMatchObject({ reason: "BASE_MODEL_CONFLICT" });
  });

  test("many are registered at once, and one with many other names", async () => {
    const names = Array.from({ length: 32 }, (_, number) => `model-${number}`);
    await Promise.all(names.map((name) => register(name)));
    await Promise.all(names.map((name) => register("a/b", { otherNames: [`/jobs/${name}`] })));
    for (const name of names) expect(await find(`/jobs/${name}`)).toBe("main");
  });

  test("of too many other names those go that were given first", async () => {
    await register("a/b", { otherNames: ["first"] });
    const jobs = Array.from({ length: limits.base_model_names + 2 }, (_, number) => `/jobs/${number}`);
    for (const job of jobs) await register("a/b", { otherNames: [job], metadata: { job } });
    const { baseModel } = await findBaseModel(place.store, 1, { name: "a/b", revision: "" });
    expect(baseModel.otherNames.toSorted()).toEqual(jobs.slice(2).toSorted());
    for (const gone of ["first", "/jobs/0", "/jobs/1"]) {
      await expect(find(gone)).rejects.toMatchObject({ reason: "BASE_MODEL_NOT_FOUND" });
    }
    for (const kept of ["a/b", ...jobs.slice(2)]) expect(await find(kept)).toBe("main");
    await register("c", { otherNames: ["first"] });
    expect(await find("first")).toBe("main");
  });

  test("one that a version names stays, deleted versions too", async () => {
    await deleteBaseModel(place.context, 1, { name: "a/b", revision: "main" });
    const { name, revision, weightsDigest, tokenizerDigest } = await register("a/b");
    const reference = { name, revision, weightsDigest, tokenizerDigest };
    await place.makeVersion("tone", { baseModel: reference });
    await expect(deleteBaseModel(place.context, 1, { name, revision })).rejects.toMatchObject({
      reason: "BASE_MODEL_IN_USE",
      metadata: { base_model: "a/b", revision: "main", version: "tone@1" },
    });
    await register("a/b", { revision: "v2" });
    await deleteBaseModel(place.context, 1, { name, revision: "v2" });
    expect(await find("a/b")).toBe("main");
  });

  test("a version and the deletion of its base model at once: one of them fails", async () => {
    for (let round = 0; round < 10; round++) {
      const name = `model-${round}`;
      await register(name);
      const kept = await findBaseModel(place.store, 1, { name, revision: "" });
      const { mutation, expectation } = useOfBaseModel(kept);
      const [made, deleted] = await Promise.allSettled([
        place.store.commit(1, [mutation], [expectation]),
        deleteBaseModel(place.context, 1, { name, revision: "main" }),
      ]);
      // The deletion tries again, and finds no version: here there is none.
      expect(deleted.status).toBe("fulfilled");
      if (made.status === "rejected") expect(made.reason).toMatchObject({ code: "ABORTED" });
      await expect(place.store.commit(1, [mutation], [expectation])).rejects.toMatchObject({ code: "ABORTED" });
    }
  });

  test("another tenant has its own", async () => {
    await register("a/b", { otherNames: ["b"] });
    await register("b", {}, 2);
    await expect(findBaseModel(place.store, 2, { name: "a/b", revision: "" })).rejects.toMatchObject({
      reason: "BASE_MODEL_NOT_FOUND",
    });
  });
});
