import { expect, test } from "vitest";
import type { Fixture } from "./harness.ts";
import { bytes, everything, keys, put, rejection, showChange, text } from "./helpers.ts";

export function tenants({ store, tenant }: Fixture): void {
  test("each has its own keys, revisions, changes, pins and floor", async () => {
    const one = tenant();
    const two = tenant();
    await store().commit(one, [put("a", "one")]);
    await store().commit(one, [put("b", "one")]);
    await store().commit(two, [put("a", "two")]);
    await store().pin(one, "pin", 1n, 60);
    await store().compact(two, 1n);
    expect(await keys(store(), one)).toEqual(["a", "b"]);
    expect(await keys(store(), two)).toEqual(["a"]);
    expect(await keys(store(), two, { reverse: true })).toEqual(["a"]);
    expect((await store().head(one)).revision).toBe(2n);
    expect((await store().head(two)).revision).toBe(1n);
    expect((await store().changes(two, 1n)).changes.map(showChange)).toEqual([]);
    expect([await store().floor(one), await store().floor(two)]).toEqual([0n, 1n]);
    expect(await store().pins(two)).toEqual([]);
    await rejection(store().commit(two, [put("c")], [{ key: bytes("b"), revision: 2n }]), "ABORTED");
  });

  test("many commit at once", async () => {
    const ids = Array.from({ length: 16 }, tenant);
    await Promise.all(ids.flatMap((id) => [1, 2, 3].map((n) => store().commit(id, [put(`${n}`, `${id}`)]))));
    for (const id of ids) {
      const page = await store().scan(id, everything);
      expect(page.entries.map(({ value }) => text(value))).toEqual([`${id}`, `${id}`, `${id}`]);
    }
  });

  test("a tenant is an integer from 0", async () => {
    for (const id of [-1, 1.5, Number.NaN, 2 ** 53]) {
      await rejection(store().head(id), "INVALID_ARGUMENT");
      await rejection(store().commit(id, [put("a")]), "INVALID_ARGUMENT");
      await rejection(store().scan(id, everything), "INVALID_ARGUMENT");
    }
    await store().commit(0, [put("system")]);
    expect(await keys(store(), 0)).toEqual(["system"]);
  });
}
