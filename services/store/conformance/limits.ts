import { expect, test } from "vitest";
import { MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_VALUE_BYTES } from "../limits.ts";
import type { Mutation, TenantId } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { bytes, everything, put, range, rejection, scanAll } from "./helpers.ts";

export function limits({ store, tenant }: Fixture): void {
  test("a key has 1 to 1,024 bytes", async () => {
    const id = tenant();
    const longest = "\xff".repeat(MAX_KEY_BYTES);
    await store().commit(id, [put(longest, "v"), put("\x00".repeat(MAX_KEY_BYTES), "v"), put("x", "v")]);
    expect((await store().get(id, bytes(longest)))?.revision).toBe(1n);
    expect(await scanAll(store(), id, everything, { limit: 1 })).toHaveLength(3);
    expect(await scanAll(store(), id, everything, { limit: 1, reverse: true })).toHaveLength(3);
    for (const key of ["", `${longest}x`]) {
      await rejection(store().commit(id, [put(key)]), "INVALID_ARGUMENT");
      await rejection(store().commit(id, [{ delete: bytes(key) }]), "INVALID_ARGUMENT");
      await rejection(store().commit(id, [put("a")], [{ key: bytes(key), revision: 0n }]), "INVALID_ARGUMENT");
      await rejection(store().get(id, bytes(key)), "INVALID_ARGUMENT");
    }
    await rejection(store().scan(id, range("a", "x".repeat(MAX_KEY_BYTES + 2))), "INVALID_ARGUMENT");
  });

  test("a page has at most 1,000 entries", async () => {
    const id = tenant();
    await store().commit(id, numbered(MAX_PAGE_ENTRIES, 1));
    expect((await store().scan(id, everything)).entries).toHaveLength(MAX_PAGE_ENTRIES);
    await store().commit(id, [put("z")]);
    for (const reverse of [false, true]) {
      const page = await store().scan(id, everything, { reverse });
      expect(page.entries).toHaveLength(MAX_PAGE_ENTRIES);
      expect(page.next).toBeDefined();
      expect(await scanAll(store(), id, everything, { reverse })).toHaveLength(MAX_PAGE_ENTRIES + 1);
    }
  });

  test("a page has at most 4 MiB of keys and values, and at least one entry", async () => {
    const id = tenant();
    const valueBytes = MAX_PAGE_BYTES / 16 - 4;
    await store().commit(id, numbered(16, valueBytes));
    expect(await pageLengths(id, false)).toEqual([16]);
    expect(await pageLengths(id, true)).toEqual([16]);
    await store().commit(id, [put("0008", "x".repeat(valueBytes + 1))]);
    expect(await pageLengths(id, false)).toEqual([15, 1]);
    expect(await pageLengths(id, true)).toEqual([15, 1]);
    await store().commit(id, [put("0001", "x".repeat(MAX_PAGE_BYTES + 1))]);
    expect(await pageLengths(id, false)).toEqual([1, 1, 14]);
    expect(await pageLengths(id, true)).toEqual([14, 1, 1]);
  });

  test("a commit has 4 MiB of keys and values besides its largest value", async () => {
    const id = tenant();
    const half = MAX_COMMIT_BYTES / 2;
    const largest = put("0009", "x".repeat(half + 1));
    await store().commit(id, [put("0001", "x".repeat(half - 8)), put("0002", "x".repeat(half - 4)), largest]);
    const error = await rejection(
      store().commit(id, [put("0003", "x".repeat(half - 7)), put("0004", "x".repeat(half - 4)), largest]),
      "RESOURCE_EXHAUSTED",
    );
    expect(error.details["limit"]).toBe(String(MAX_COMMIT_BYTES));
    expect((await store().head(id)).revision).toBe(1n);
  });

  test("a value has 16 MiB, beside 4 MiB of others", async () => {
    const id = tenant();
    const value = new Uint8Array(MAX_VALUE_BYTES).fill(7);
    await store().commit(id, [{ put: bytes("big"), value }, put("rest", "x".repeat(MAX_COMMIT_BYTES - 7))]);
    expect(Buffer.compare((await store().get(id, bytes("big")))?.value ?? bytes(""), value)).toBe(0);
    const tooBig = { put: bytes("big"), value: new Uint8Array(MAX_VALUE_BYTES + 1) };
    await rejection(store().commit(id, [tooBig]), "RESOURCE_EXHAUSTED");
    expect((await store().head(id)).revision).toBe(1n);
  });

  /** Entries of each page; a last one may be empty. */
  async function pageLengths(id: TenantId, reverse: boolean): Promise<number[]> {
    const lengths: number[] = [];
    for (let { start, end } = everything; ; ) {
      const { entries, next } = await store().scan(id, { start, end }, { reverse });
      if (entries.length > 0) lengths.push(entries.length);
      if (!next) return lengths;
      if (reverse) end = next;
      else start = next;
    }
  }
}

function numbered(count: number, valueBytes: number): Mutation[] {
  return Array.from({ length: count }, (_, n) => put(String(n).padStart(4, "0"), "x".repeat(valueBytes)));
}
