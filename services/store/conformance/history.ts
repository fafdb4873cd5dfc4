import { expect, test } from "vitest";
import type { Fixture } from "./harness.ts";
import { bytes, everything, put, rejection, remove, scanAll, show } from "./helpers.ts";

export function history({ store, tenant, clock }: Fixture): void {
  test("every revision stays as it was", async () => {
    const id = tenant();
    await store().commit(id, [put("a", "1"), put("b", "1")]);
    await store().commit(id, [put("a", "2"), remove("b")]);
    await store().commit(id, [put("b", "3"), put("c", "3")]);
    const at = async (revision: bigint) => (await scanAll(store(), id, everything, { at: revision })).map(show);
    expect(await at(0n)).toEqual([]);
    expect(await at(1n)).toEqual(["a=1@1", "b=1@1"]);
    expect(await at(2n)).toEqual(["a=2@2"]);
    expect(await at(3n)).toEqual(["a=2@2", "b=3@3", "c=3@3"]);
    expect(await store().get(id, bytes("b"), 2n)).toBeUndefined();
    expect((await store().get(id, bytes("b"), 1n))?.revision).toBe(1n);
  });

  test("a revision above the head is out of range and the newest is named", async () => {
    const id = tenant();
    await store().commit(id, [put("a")]);
    const error = await rejection(store().scan(id, everything, { at: 2n }), "OUT_OF_RANGE");
    expect(error.details["newestRevision"]).toBe("1");
    await rejection(store().get(id, bytes("a"), 2n), "OUT_OF_RANGE");
    await rejection(store().get(id, bytes("a"), -1n), "OUT_OF_RANGE");
    await rejection(store().timeOf(id, 2n), "OUT_OF_RANGE");
  });

  test.each([2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])(
    "revision %d is above the head, however large",
    async (revision) => {
      const id = tenant();
      const head = await store().commit(id, [put("a")]);
      for (const call of [
        () => store().scan(id, everything, { at: revision }),
        () => store().get(id, bytes("a"), revision),
        () => store().timeOf(id, revision),
        () => store().changes(id, revision),
        () => store().pin(id, "far", revision, 60),
        () => store().compact(id, revision),
      ]) {
        const error = await rejection(call(), "OUT_OF_RANGE");
        expect(error.details).toMatchObject({ revision: String(revision), newestRevision: "1" });
      }
      await rejection(store().commit(id, [put("a")], [{ key: bytes("a"), revision }]), "ABORTED");
      expect(await store().head(id)).toEqual(head);
    },
  );

  test("pages of an old revision are undisturbed by commits and compaction between them", async () => {
    const id = tenant();
    const all = Array.from({ length: 40 }, (_, n) => `k${String(n).padStart(2, "0")}`);
    await store().commit(
      id,
      all.map((key) => put(key, "old")),
    );
    let start = everything.start;
    const found: string[] = [];
    for (let page = 0; page < 10; page++) {
      const { entries, next } = await store().scan(id, { ...everything, start }, { at: 1n, limit: 4 });
      found.push(...entries.map(show));
      start = next ?? start;
      const changed = all.map((key, n) => (n % 7 === page % 7 ? remove(key) : put(key, `new ${page}`)));
      await Promise.all([store().commit(id, [...changed, put(`k${page}x`)]), store().compact(id, 1n)]);
    }
    expect(found).toEqual(all.map((key) => `${key}=old@1`));
  });

  test("commit times grow strictly, though the clock stands still or moves back", async () => {
    const id = tenant();
    const times: bigint[] = [0n];
    for (const seconds of [0, 0, 0, 60, -3600, 0, 7200]) {
      clock.advance(seconds);
      times.push((await store().commit(id, [put("a")])).time);
    }
    const together = await Promise.all(Array.from({ length: 20 }, () => store().commit(id, [put("b")])));
    times.push(...together.map(({ time }) => time));
    expect(new Set(times).size).toBe(times.length);
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
    expect(times[7]).toBe(clock.now());
    expect(times[8]).toBe(clock.now() + 1n);
    expect((await store().head(id)).time).toBe(times.at(-1));
    await store().compact(id, 20n);
    expect(await Promise.all(times.map((_, n) => store().timeOf(id, BigInt(n))))).toEqual(times);
  });
}
