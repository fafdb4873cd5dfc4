import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import { recordKey } from "../keys.ts";
import { existingRecords, recordKeys } from "./existing-records.ts";

describe("existingRecords", () => {
  let store: Store;

  beforeAll(async () => {
    store = await openStore({ kind: "memory" });
    const ids = Array.from({ length: 300 }, (_, number) => `r${String(number).padStart(3, "0")}`);
    await store.commit(
      1,
      ids.map((id) => ({ put: recordKey(7, id), value: Buffer.from(id) })),
    );
    await store.commit(1, [{ put: recordKey(8, "r001"), value: Buffer.from("other collection") }]);
    await store.commit(1, [{ delete: recordKey(7, "r100") }]);
  });
  afterAll(() => store.close());

  async function found(ids: readonly string[], at = 3n): Promise<string[]> {
    const entries = await existingRecords(store, 1, recordKeys(7, ids), at);
    for (const [id, { value }] of entries) expect(Buffer.from(value).toString()).toBe(id);
    return [...entries.keys()].sort();
  }

  test.each([
    ["neighbours", ["r010", "r011", "r012"], ["r010", "r011", "r012"]],
    ["ids far apart", ["r299", "r000", "r150"], ["r000", "r150", "r299"]],
    ["some that exist", ["a", "r000", "r0005", "r298", "z"], ["r000", "r298"]],
    ["new ids after all others", ["s1", "s2"], []],
    ["a deleted one", ["r099", "r100"], ["r099"]],
    ["one id twice", ["r001", "r001"], ["r001"]],
    ["an id that begins like another", ["r00", "r0011"], []],
  ])("%s", async (_name, ids, expected) => {
    expect(await found(ids)).toEqual(expected);
  });

  test("reads at the revision", async () => {
    expect(await found(["r099", "r100"], 2n)).toEqual(["r099", "r100"]);
    expect(await found(["r099", "r100"], 0n)).toEqual([]);
  });
});
