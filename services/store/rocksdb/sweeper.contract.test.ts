import { expect, test } from "vitest";
import { bytes, put, remove } from "../conformance/helpers.ts";
import { openStore } from "../open-store.ts";
import type { Head, Store } from "../store.ts";
import { Database } from "./database.ts";
import { afterVersions, changeKey, dataPrefix, isDeleted, keyOf, revisionOf } from "./keys.ts";
import { createPlace } from "./testing/place.ts";

const tenant = 1;

test("compaction removes the versions and changes that nobody can read, and nothing else", () =>
  withStore(async (store) => {
    await commits(1500, (n) => store.commit(tenant, [put("often", `${n}`), put(`rarely-${n % 3}`, `${n}`)]));
    await store.commit(tenant, [remove("rarely-0")]);
    const floor = (await store.commit(tenant, [put("last")])).revision;
    await store.commit(tenant, [put("often", "after")]);
    await store.pin(tenant, "pin", floor - 1n, 60);

    expect(await store.compact(tenant, floor)).toBe(floor - 1n);
    const after = ["last@1502", "often@1503", "often@1500", "rarely-1@1499", "rarely-2@1500"].toSorted();
    await expect.poll(() => versions(store)).toEqual(after);
    await expect.poll(() => changedRevisions(store)).toEqual([1502, 1503]);
    expect(await store.get(tenant, bytes("rarely-0"), floor - 1n)).toBeUndefined();
  }));

test("it goes on where a crash stopped it", () =>
  withStore(async (store, reopen) => {
    await commits(700, (n) => store.commit(tenant, [put("often", `${n}`)]));
    await store.compact(tenant, 700n);
    await store.close();
    const again = await reopen();
    await expect.poll(() => versions(again)).toEqual(["often@700"]);
  }));

async function commits(count: number, commit: (n: number) => Promise<Head>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => commit(n)));
}

async function versions(store: Store): Promise<string[]> {
  const [gte, lt] = [dataPrefix(tenant, bytes("")), afterVersions(dataPrefix(tenant, bytes("~")))];
  const found = (await joined(store)).keys({ gte, lt, limit: -1 });
  expect(found.filter((version) => isDeleted(version))).toEqual([]);
  return found.map((version) => `${keyOf(version)}@${revisionOf(version)}`).toSorted();
}

async function changedRevisions(store: Store): Promise<number[]> {
  const { rows } = (await joined(store)).scan({
    gte: changeKey(tenant, 0, 0),
    lt: changeKey(tenant, 9999, 0),
    limit: -1,
  });
  return rows.filter((_, index) => index % 2 === 0).map((key) => Number(key.readBigUInt64BE(5)));
}

function joined(store: Store): Promise<Database> {
  const share = store.share();
  if (share.kind !== "rocksdb") throw new Error("Not a store of this test.");
  return Database.open(BigInt(share.handle));
}

async function withStore(run: (store: Store, reopen: () => Promise<Store>) => Promise<void>): Promise<void> {
  const place = await createPlace();
  let store = await openStore(place.config);
  try {
    await run(store, async () => {
      store = await openStore(place.config);
      return store;
    });
  } finally {
    await store.close();
    await place.remove();
  }
}
