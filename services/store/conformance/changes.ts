import { expect, test } from "vitest";
import type { Mutation } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { changesAll, put, rejection, remove, showChange } from "./helpers.ts";

export function changes({ store, tenant }: Fixture): void {
  test("they name every key in the order of the mutations", async () => {
    const id = tenant();
    await store().commit(id, [put("z"), put("a"), put("m")]);
    await store().commit(id, [remove("never"), put("a"), remove("z")]);
    const page = await store().changes(id, 0n);
    expect(page.changes.map(showChange)).toEqual(["1.0 +z", "1.1 +a", "1.2 +m", "2.0 -never", "2.1 +a", "2.2 -z"]);
    expect(page.through).toBe(2n);
  });

  test("they resume after any revision, with any limit, without a gap", async () => {
    const id = tenant();
    const expected: string[][] = [];
    for (let n = 1; n <= 12; n++) {
      const mutations = Array.from({ length: 1 + ((n * 5) % 7) }, (_, place): Mutation => put(`${n}-${place}`));
      await store().commit(id, mutations);
      expected.push(mutations.map((_, place) => `${n}.${place} +${n}-${place}`));
    }
    for (const limit of [1, 2, 3, 7, 20, 1000]) {
      for (let after = 0; after <= 12; after++) {
        const found = await changesAll(store(), id, BigInt(after), limit);
        expect(found.map(showChange)).toEqual(expected.slice(after).flat());
      }
    }
    expect(await store().changes(id, 12n)).toEqual({ changes: [], through: 12n });
  });

  test("a commit larger than the limit comes whole", async () => {
    const id = tenant();
    await store().commit(id, [put("before")]);
    await store().commit(
      id,
      Array.from({ length: 2500 }, (_, n) => put(`k${n}`)),
    );
    await store().commit(id, [put("after")]);
    expect((await store().changes(id, 1n)).changes).toHaveLength(2500);
    expect((await store().changes(id, 1n, 10)).through).toBe(2n);
    expect(await changesAll(store(), id, 0n)).toHaveLength(2502);
  });

  test("a follower sees every commit of concurrent writers once, in order", async () => {
    const id = tenant();
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: 4 }, async (_, writer) => {
        for (let n = 0; n < 25; n++) await store().commit(id, [put(`${writer}-${n}`), put(`${writer}`)]);
      }),
    ).finally(() => {
      writing = false;
    });
    const seen: string[] = [];
    for (let after = 0n; writing || after < 100n; ) {
      const page = await store().changes(id, after, 5);
      seen.push(...page.changes.map(({ revision, ordinal }) => `${revision}.${ordinal}`));
      after = page.through;
    }
    await writers;
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => `${Math.floor(n / 2) + 1}.${n % 2}`));
  });

  test("below the floor and above the head they are out of range", async () => {
    const id = tenant();
    for (let n = 0; n < 5; n++) await store().commit(id, [put("a")]);
    await store().compact(id, 3n);
    const error = await rejection(store().changes(id, 2n), "OUT_OF_RANGE");
    expect(error.details["oldestRevision"]).toBe("3");
    expect((await store().changes(id, 3n)).changes.map(showChange)).toEqual(["4.0 +a", "5.0 +a"]);
    await rejection(store().changes(id, 6n), "OUT_OF_RANGE");
  });

  test("a bad limit is refused", async () => {
    for (const limit of [0, -1, 0.5, 1001]) await rejection(store().changes(tenant(), 0n, limit), "INVALID_ARGUMENT");
  });
}
