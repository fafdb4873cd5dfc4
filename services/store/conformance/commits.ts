import { expect, test } from "vitest";
import type { Fixture } from "./harness.ts";
import { bytes, changesAll, keys, put, rejection, remove, show, showChange, text } from "./helpers.ts";

export function commits({ store, tenant }: Fixture): void {
  test("an unknown tenant is empty at revision 0", async () => {
    const id = tenant();
    expect(await store().head(id)).toEqual({ revision: 0n, time: 0n });
    expect(await store().floor(id)).toBe(0n);
    expect(await store().changes(id, 0n)).toEqual({ changes: [], through: 0n });
    expect(await store().pins(id)).toEqual([]);
    expect(await keys(store(), id)).toEqual([]);
    expect(await store().get(id, bytes("a"), 0n)).toBeUndefined();
  });

  test("revisions grow by one and a commit is read at once", async () => {
    const id = tenant();
    for (const revision of [1n, 2n, 3n]) {
      expect((await store().commit(id, [put("a", String(revision))])).revision).toBe(revision);
      expect((await store().head(id)).revision).toBe(revision);
      const entry = await store().get(id, bytes("a"));
      expect(entry && show(entry)).toBe(`a=${revision}@${revision}`);
    }
  });

  test("a commit applies all its mutations, deletes included", async () => {
    const id = tenant();
    await store().commit(id, [put("a"), put("b"), put("c", "")]);
    await store().commit(id, [remove("a"), put("d"), remove("never")]);
    expect(await keys(store(), id)).toEqual(["b", "c", "d"]);
    expect(await store().get(id, bytes("a"))).toBeUndefined();
    expect((await store().get(id, bytes("c")))?.value).toHaveLength(0);
  });

  test("what the caller does to its bytes later changes nothing", async () => {
    const id = tenant();
    const key = bytes("key");
    const value = bytes("value");
    const done = store().commit(id, [{ put: key, value }]);
    await done;
    key.fill(0);
    value.fill(0);
    const entry = await store().get(id, bytes("key"));
    expect(entry && show(entry)).toBe("key=value@1");
  });

  test("commits return in the order in which they were called", async () => {
    const id = tenant();
    const heads = await Promise.all(Array.from({ length: 50 }, (_, n) => store().commit(id, [put(`${n}`)])));
    expect(heads.map(({ revision }) => revision)).toEqual(heads.map((_, n) => BigInt(n + 1)));
    const finished: bigint[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async () => finished.push((await store().commit(id, [put("same")])).revision)),
    );
    expect(finished).toEqual(finished.toSorted((a, b) => Number(a - b)));
  });

  test("8 concurrent writers share one gap-free order and read their writes", async () => {
    const id = tenant();
    const revisions = await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
    expect(revisions.flat().toSorted((a, b) => Number(a - b))).toEqual(
      Array.from({ length: 200 }, (_, n) => BigInt(n + 1)),
    );
    expect((await changesAll(store(), id, 0n)).map(({ revision }) => revision)).toHaveLength(200);

    async function write(writer: number): Promise<bigint[]> {
      const mine: bigint[] = [];
      for (let n = 0; n < 25; n++) {
        const { revision } = await store().commit(id, [put(`w${writer}`, `${n}`)]);
        expect(revision).toBeGreaterThan(mine.at(-1) ?? 0n);
        mine.push(revision);
        const entry = await store().get(id, bytes(`w${writer}`));
        expect(entry && text(entry.value)).toBe(`${n}`);
      }
      return mine;
    }
  });

  test("a refused commit leaves nothing and takes no revision", async () => {
    const id = tenant();
    await store().commit(id, [put("a")]);
    await rejection(store().commit(id, []), "INVALID_ARGUMENT");
    await rejection(store().commit(id, [put("b"), put("c"), remove("b")]), "INVALID_ARGUMENT");
    expect((await store().commit(id, [put("d")])).revision).toBe(2n);
    expect(await keys(store(), id)).toEqual(["a", "d"]);
    expect((await changesAll(store(), id, 0n)).map(showChange)).toEqual(["1.0 +a", "2.0 +d"]);
  });

  test("the store's identity is two random ids", () => {
    expect(store().identity.storeId).toMatch(/^[0-9a-f]{32}$/);
    expect(store().identity.incarnation).toMatch(/^[0-9a-f]{32}$/);
    expect(store().identity.storeId).not.toBe(store().identity.incarnation);
  });

  test("its size is a number of bytes", async () => {
    await store().commit(tenant(), [put("a")]);
    expect(await store().size()).toBeGreaterThan(0);
  });
}
