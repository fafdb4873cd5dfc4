import { expect, test } from "vitest";
import { prefixRange } from "../range.ts";
import type { Fixture } from "./harness.ts";
import { bytes, everything, keys, put, range, rejection, scanAll, show, text } from "./helpers.ts";

/** In byte order. */
const awkward = [
  "\x00",
  "\x00\x00",
  "\x00\xff",
  "a",
  "a\x00",
  "a\x00\x00",
  "a\x01",
  "aa",
  "a\xff",
  "b",
  "\x7f",
  "\x80",
  "é",
  "\xff",
  "\xff\x00",
  "\xff\xff",
];

export function scans({ store, tenant }: Fixture): void {
  test("keys come in the order of their unsigned bytes, both ways", async () => {
    const id = tenant();
    await store().commit(
      id,
      awkward.toReversed().map((key) => put(key)),
    );
    expect(await keys(store(), id)).toEqual(awkward);
    expect(await keys(store(), id, { limit: 3 })).toEqual(awkward);
    expect(await keys(store(), id, { reverse: true })).toEqual(awkward.toReversed());
    expect(await keys(store(), id, { reverse: true, limit: 1 })).toEqual(awkward.toReversed());
    expect(await keys(store(), id, { limit: 1 })).toEqual(awkward);
  });

  test("keys with a common prefix do not mix, at any revision", async () => {
    const id = tenant();
    for (const key of ["a", "a\x00", "a\xff\xff", "a\x00\x00\x00\x00\x00\x00\x00\x01", "a", "a\x00"]) {
      await store().commit(id, [put(key, "new")]);
    }
    const shown = (await scanAll(store(), id, everything)).map(show);
    expect(shown).toEqual(["a=new@5", "a\x00=new@6", "a\x00\x00\x00\x00\x00\x00\x00\x01=new@4", "a\xff\xff=new@3"]);
    for (const key of ["a", "a\x00"]) expect(text((await store().get(id, bytes(key)))?.key ?? bytes(""))).toBe(key);
    expect(await store().get(id, bytes("a\xff"))).toBeUndefined();
  });

  test("a range includes its start and excludes its end", async () => {
    const id = tenant();
    await store().commit(
      id,
      ["a", "b", "c", "d"].map((key) => put(key)),
    );
    const found = async (start: string, end: string, reverse: boolean) =>
      (await store().scan(id, range(start, end), { reverse })).entries.map(({ key }) => text(key)).join("");
    for (const reverse of [false, true]) {
      const order = (text: string) => (reverse ? [...text].reverse().join("") : text);
      expect(await found("b", "d", reverse)).toBe(order("bc"));
      expect(await found("", "b", reverse)).toBe("a");
      expect(await found("d", "d\x00", reverse)).toBe("d");
      expect(await found("b", "b", reverse)).toBe("");
      expect(await found("c", "a", reverse)).toBe("");
      expect(await found("a", "", reverse)).toBe("");
    }
  });

  test("a prefix is a range", async () => {
    const id = tenant();
    await store().commit(
      id,
      awkward.map((key) => put(key)),
    );
    for (const prefix of ["a", "a\x00", "\xff", "\xff\xff", "\x00", "none"]) {
      const found = await scanAll(store(), id, prefixRange(bytes(prefix)), { limit: 2 });
      expect(found.map(({ key }) => text(key))).toEqual(awkward.filter((key) => key.startsWith(prefix)));
    }
  });

  test("pages resume by next, whatever their size", async () => {
    const id = tenant();
    const all = Array.from({ length: 53 }, (_, n) => String(n).padStart(2, "0"));
    await store().commit(
      id,
      all.map((key) => put(key)),
    );
    for (const limit of [1, 5, 16, 52, 53, 54]) {
      expect(await keys(store(), id, { limit })).toEqual(all);
      expect(await keys(store(), id, { limit, reverse: true })).toEqual(all.toReversed());
      const first = await store().scan(id, everything, { limit });
      expect(first.entries).toHaveLength(Math.min(limit, 53));
      if (limit > 53) expect(first.next).toBeUndefined();
    }
  });

  test("a page skips deleted keys and old versions without ending early", async () => {
    const id = tenant();
    await store().commit(
      id,
      Array.from({ length: 900 }, (_, n) => put(`k${String(n).padStart(3, "0")}`, "old")),
    );
    await store().commit(
      id,
      Array.from({ length: 899 }, (_, n) => ({ delete: bytes(`k${String(n).padStart(3, "0")}`) })),
    );
    await store().commit(id, [put("k899", "new")]);
    for (const reverse of [false, true]) {
      const found = await scanAll(store(), id, everything, { limit: 10, reverse });
      expect(found.map(show)).toEqual(["k899=new@3"]);
      expect(await keys(store(), id, { at: 1n, reverse })).toHaveLength(900);
    }
  });

  test("a bad limit is refused", async () => {
    const id = tenant();
    for (const limit of [0, -1, 1.5, Number.NaN, 1001]) {
      await rejection(store().scan(id, everything, { limit }), "INVALID_ARGUMENT");
    }
  });
}
