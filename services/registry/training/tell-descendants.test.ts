import { afterEach, beforeEach, expect, test } from "vitest";
import { DeletedData, Provenance, TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredHold } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { RegistryPlace } from "../../../test/support/registry-place.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { showVersion } from "../adapters/shown-version.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import { holdKey } from "../keys.ts";
import { tellDeletedData } from "./deleted-data.ts";
import { tellDescendants } from "./tell-descendants.ts";

const [first, second] = ["a1".repeat(32), "b2".repeat(32)] as const;
const never = new AbortController().signal;
let place: RegistryPlace;

beforeEach(async () => {
  place = await RegistryPlace.open("memory");
});
afterEach(() => place[Symbol.asyncDispose]());

function make(adapter: string, parent: string, ...snapshots: string[]) {
  const trainedOn = snapshots.map((snapshot) => TrainingSnapshot.create({ snapshot }));
  return place.makeVersion(adapter, { provenance: Provenance.create({ parent, snapshots: trainedOn }) });
}

/** What the registry read of a snapshot, told to an adapter's first version that was trained on it. */
async function deleted(snapshot: string, recordCount: bigint, micros: bigint, adapter: string): Promise<void> {
  const time = toTimestamp(micros);
  const deletedData = DeletedData.create({ recordCount, firstTime: time, lastTime: time });
  const value = StoredHold.encode(StoredHold.create({ deletedData })).finish();
  await place.store.commit(1, [{ put: holdKey(Buffer.from(snapshot, "hex")), value }]);
  await tellDeletedData(place.store, 1, { adapter, version: 1 });
}

async function shown(adapter: string, version = 1) {
  return showVersion(place.store, 1, await getVersion(place.store, 1, { adapter, version }));
}

async function inherited(adapter: string): Promise<bigint | undefined> {
  return (await shown(adapter)).inheritedDeletedData?.recordCount;
}

test("descendants say what was deleted of what their ancestors were trained on, also those that come later", async () => {
  await make("root", "", first);
  await make("middle", "root@1");
  await make("again", "middle@1", second);
  await make("a-leaf", "again@1");
  await make("apart", "");
  await deleted(first, 2n, 20n, "root");
  await tellDescendants(place.store, 1, never);
  expect(await Promise.all(["root", "middle", "again", "a-leaf", "apart"].map(inherited))).toEqual([
    undefined,
    2n,
    2n,
    2n,
    undefined,
  ]);
  expect(await shown("middle")).toMatchObject({ deletedData: undefined });
  await deleted(second, 3n, 10n, "again");
  await tellDescendants(place.store, 1, never);
  expect(await Promise.all(["middle", "again", "a-leaf"].map(inherited))).toEqual([2n, 2n, 5n]);
  const both = { recordCount: 5n, firstTime: toTimestamp(10n), lastTime: toTimestamp(20n) };
  expect((await shown("a-leaf")).inheritedDeletedData).toEqual(both);
  await make("late", "again@1");
  expect((await shown("late")).inheritedDeletedData).toEqual(both);
});

test("what was not told is told by the next call, each change once, also by several at once", async () => {
  await make("root", "", first);
  for (let count = 0; count < 20; count += 1) await make("line", count === 0 ? "root@1" : `line@${count}`);
  await deleted(first, 1n, 5n, "root");
  await tellDescendants(place.store, 1, AbortSignal.abort());
  expect(await inherited("line")).toBeUndefined();
  await Promise.all([1, 2, 3].map(() => tellDescendants(place.store, 1, never)));
  const told = await shown("line", 20);
  expect(told.inheritedDeletedData?.recordCount).toBe(1n);
  const { revision } = await place.store.head(1);
  await tellDescendants(place.store, 1, never);
  expect((await place.store.head(1)).revision).toBe(revision);
});
