import { expect, test } from "vitest";
import type { TenantId } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { bytes, everything, keys, put, rejection, remove, scanAll, show } from "./helpers.ts";

export function compaction({ store, tenant }: Fixture): void {
  test("it raises the floor, keeps what the floor sees and refuses what lies below", async () => {
    const id = await fiveRevisions();
    const shown = (at: bigint) => scanAll(store(), id, everything, { at }).then((entries) => entries.map(show));
    const before = await Promise.all([3n, 4n, 5n].map(shown));
    expect(await store().compact(id, 3n)).toBe(3n);
    expect(await store().floor(id)).toBe(3n);
    expect(await Promise.all([3n, 4n, 5n].map(shown))).toEqual(before);
    const error = await rejection(store().scan(id, everything, { at: 2n }), "OUT_OF_RANGE");
    expect(error.details["oldestRevision"]).toBe("3");
    await rejection(store().get(id, bytes("a"), 2n), "OUT_OF_RANGE");
    await rejection(store().pin(id, "late", 2n, 60), "OUT_OF_RANGE");
  });

  test("the floor never falls and never passes the head", async () => {
    const id = await fiveRevisions();
    expect(await store().compact(id, 4n)).toBe(4n);
    expect(await store().compact(id, 2n)).toBe(4n);
    expect(await store().compact(id, 4n)).toBe(4n);
    await rejection(store().compact(id, 6n), "OUT_OF_RANGE");
    expect(await store().compact(id, 5n)).toBe(5n);
    expect((await store().commit(id, [put("a")])).revision).toBe(6n);
  });

  test("a compacted delete does not bring the key back", async () => {
    const id = tenant();
    await store().commit(id, [put("a", "1")]);
    await store().commit(id, [put("a", "2")]);
    await store().commit(id, [remove("a"), put("b")]);
    await store().compact(id, 2n);
    await store().compact(id, 3n);
    expect(await keys(store(), id)).toEqual(["b"]);
    expect(await store().get(id, bytes("a"))).toBeUndefined();
    await store().commit(id, [put("a", "4")], [{ key: bytes("a"), revision: 0n }]);
    expect((await scanAll(store(), id, everything)).map(show)).toEqual(["a=4@4", "b=b@3"]);
  });

  test("it may run in many steps while others write, and the end is the same", async () => {
    const id = tenant();
    const all = Array.from({ length: 30 }, (_, n) => `k${String(n).padStart(2, "0")}`);
    const writing = (async () => {
      for (let round = 0; round < 20; round++) {
        await store().commit(
          id,
          all.map((key, n) => ((n + round) % 5 === 0 ? remove(key) : put(key, `${round}`))),
        );
      }
    })();
    for (let at = 0n; at < 20n; at = (await store().head(id)).revision) await store().compact(id, at);
    await writing;
    expect(await store().compact(id, 20n)).toBe(20n);
    const expected = all.filter((_, n) => (n + 19) % 5 !== 0).map((key) => `${key}=19@20`);
    expect((await scanAll(store(), id, everything)).map(show)).toEqual(expected);
  });

  async function fiveRevisions(): Promise<TenantId> {
    const id = tenant();
    await store().commit(id, [put("a", "1"), put("b", "1"), put("kept", "1")]);
    await store().commit(id, [put("a", "2"), remove("b")]);
    await store().commit(id, [put("c", "3")]);
    await store().commit(id, [put("a", "4"), remove("c")]);
    await store().commit(id, [put("b", "5")]);
    return id;
  }
}
