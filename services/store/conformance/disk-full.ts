import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import { type Revision, type Store, StoreError } from "../store.ts";
import { type Fixture, required } from "./harness.ts";
import { bytes, changesAll, put } from "./helpers.ts";

export function diskFull({ harness }: Fixture): void {
  const createOnSmallDisk = required(harness.createOnSmallDisk, "createOnSmallDisk");

  test("a full disk refuses commits, shows nothing of them and loses none before", async () => {
    const place = await createOnSmallDisk();
    const full = await openStore(place.config);
    const last = await fill(full);
    expect((await full.head(1)).revision).toBe(last);
    expect(await full.get(1, bytes(`${last + 1n}`))).toBeUndefined();
    expect((await full.get(1, bytes(`${last}`)))?.revision).toBe(last);
    await full.close().catch((error: unknown) => expect(error).toBeInstanceOf(StoreError));

    await place.free();
    const store = await openStore(place.config);
    const changed = await changesAll(store, 1, 0n);
    expect(changed.map(({ key }) => String(Buffer.from(key)))).toEqual(changed.map((_, n) => `${n + 1}`));
    expect(BigInt(changed.length)).toBe(last);
    expect((await store.commit(1, [put("room again")])).revision).toBe(last + 1n);
    await store.close();
    await place.remove();
  });
}

/** Commits until the disk is full; returns the last acknowledged revision. */
async function fill(store: Store): Promise<Revision> {
  for (let last = 0n; ; last++) {
    try {
      await store.commit(1, [put(`${last + 1n}`, "x".repeat(64 * 1024))]);
    } catch (error) {
      expect(error).toMatchObject({ name: "StoreError", code: "UNAVAILABLE" });
      return last;
    }
  }
}
