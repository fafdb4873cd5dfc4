import { describe, expect, test } from "vitest";
import { systemClock } from "../../store/clock.ts";
import { openStore } from "../../store/open-store.ts";
import { collectionRevision, ensureCollection, findCollection } from "./collections.ts";
import { FieldsWorker } from "./fields-worker.ts";

async function openCorpus() {
  const store = await openStore({ kind: "memory" });
  return { store, clock: systemClock, fields: new FieldsWorker(), [Symbol.asyncDispose]: () => store.close() };
}

describe("collections", () => {
  test("calls that make the same collections at once agree on their numbers", async () => {
    await using corpus = await openCorpus();
    const names = ["a", "b", "c", "d"];
    const numbers = await Promise.all([...names, ...names, ...names].map((name) => ensureCollection(corpus, 1, name)));
    expect(numbers.slice(4)).toEqual([...numbers.slice(0, 4), ...numbers.slice(0, 4)]);
    expect(numbers.slice(0, 4).sort()).toEqual([1, 2, 3, 4]);
    expect(await findCollection(corpus, 1, "c")).toBe(numbers[2]);
  });

  test("each tenant has its own", async () => {
    await using corpus = await openCorpus();
    await ensureCollection(corpus, 1, "a");
    await ensureCollection(corpus, 1, "b");
    expect(await ensureCollection(corpus, 2, "b")).toBe(1);
    await expect(findCollection(corpus, 2, "a")).rejects.toMatchObject({
      reason: "COLLECTION_NOT_FOUND",
      metadata: { collection: "a" },
    });
  });

  test("a new collection was changed last by the commit that made it", async () => {
    await using corpus = await openCorpus();
    const number = await ensureCollection(corpus, 1, "a");
    expect(await collectionRevision(corpus, 1, number)).toBe(1n);
  });
});
