import { expect, test } from "vitest";
import type { Expectation } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { bytes, keys, put, rejection, remove } from "./helpers.ts";

export function expectations({ store, tenant }: Fixture): void {
  test("an expected revision is the key's last write", async () => {
    const id = tenant();
    await store().commit(id, [put("a")]);
    await store().commit(id, [put("b")]);
    await store().commit(id, [put("a")], [expected("a", 1n), expected("b", 2n)]);
    await rejection(store().commit(id, [put("c")], [expected("a", 1n)]), "ABORTED");
    await rejection(store().commit(id, [put("c")], [expected("a", 2n)]), "ABORTED");
    await store().commit(id, [put("c")], [expected("a", 3n)]);
  });

  test("0 expects a key that was never written or is deleted", async () => {
    const id = tenant();
    await store().commit(id, [put("a")], [expected("a", 0n)]);
    await rejection(store().commit(id, [put("a")], [expected("a", 0n)]), "ABORTED");
    await store().commit(id, [remove("a")], [expected("a", 1n)]);
    await rejection(store().commit(id, [put("a")], [expected("a", 1n)]), "ABORTED");
    await rejection(store().commit(id, [put("a")], [expected("a", 2n)]), "ABORTED");
    await store().commit(id, [put("a")], [expected("a", 0n)]);
  });

  test("one that fails names the key in hex and changes nothing", async () => {
    const id = tenant();
    await store().commit(id, [put("a")]);
    const error = await rejection(store().commit(id, [put("b")], [expected("a", 1n), expected("z", 7n)]), "ABORTED");
    expect(error.details["key"]).toBe(Buffer.from("z").toString("hex"));
    expect((await store().head(id)).revision).toBe(1n);
    expect(await keys(store(), id)).toEqual(["a"]);
  });

  test("one that fails hurts none of the commits around it", async () => {
    const id = tenant();
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) =>
        store().commit(id, [put(`${n}`)], n % 3 === 1 ? [expected("absent", 9n)] : [expected(`${n}`, 0n)]),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(
      results.map((_, n) => (n % 3 === 1 ? "rejected" : "fulfilled")),
    );
    expect((await store().head(id)).revision).toBe(40n);
  });

  test("it is checked against the commits called before it", async () => {
    const id = tenant();
    const [first, second, third] = await Promise.allSettled([
      store().commit(id, [put("a")], [expected("a", 0n)]),
      store().commit(id, [put("a")], [expected("a", 0n)]),
      store().commit(id, [put("b")], [expected("a", 1n)]),
    ]);
    expect([first?.status, second?.status, third?.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("of competing compare-and-sets exactly one wins each round", async () => {
    const id = tenant();
    let revision = 0n;
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, n) => store().commit(id, [put("lock", `${n}`)], [expected("lock", revision)])),
      );
      const won = results.filter((result) => result.status === "fulfilled");
      expect(won).toHaveLength(1);
      revision = won[0]?.value.revision ?? 0n;
    }
  });
}

function expected(key: string, revision: bigint): Expectation {
  return { key: bytes(key), revision };
}
