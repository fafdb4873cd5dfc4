import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RunsPlace, runRequest, runSource } from "../../../test/support/runs.ts";
import { specSource, stream, upsert } from "../../../test/support/samples.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { limits } from "../../kit/limits.ts";
import { deleteRecords } from "../commands/delete-records.ts";
import { deleteSnapshot } from "../commands/delete-snapshot.ts";
import { getSnapshot } from "../commands/get-snapshot.ts";
import { holdSnapshots } from "../commands/hold-snapshots.ts";
import { type ListHolds, listHolds } from "../commands/list-holds.ts";
import { openRun } from "../commands/open-run.ts";
import { releaseSnapshots } from "../commands/release-snapshots.ts";

const never = new AbortController().signal;
const DAY = limits.stream_snapshot_ttl_seconds;

describe.each(storeKinds)("holds of snapshots in %s", (kind) => {
  let place: RunsPlace;
  let snapshot: string;

  beforeEach(async () => {
    place = await RunsPlace.open(kind);
    await upsert(place.context, 1, "docs", [{ id: "a", fields: { text: "text" } }]);
    snapshot = await streamed(1);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  /** Makes a snapshot as streams do; each number gives another one. */
  const streamed = async (minTextLength: number): Promise<string> => {
    const source = specSource({ collection: "docs", format: "text", quality: { minTextLength } });
    return (await stream(place.context, source)).header.snapshot;
  };
  const hold = (holder: string, snapshots = [snapshot], ttlSeconds = 0) =>
    holdSnapshots(place.context, 1, {
      holder,
      snapshots: snapshots.map((key) => Buffer.from(key, "hex")),
      ttlSeconds,
    });
  const release = (holder: string) => releaseSnapshots(place.context, 1, holder);
  const list = (changes: Partial<ListHolds> = {}) =>
    listHolds(place.context, 1, { prefix: "", bySnapshot: false, limit: 100, start: undefined, ...changes });
  const holders = async (changes: Partial<ListHolds> = {}) => (await list(changes)).holds.map(({ holder }) => holder);
  const remove = (key = snapshot) => deleteSnapshot(place.context, 1, key);
  const isThere = (key = snapshot) =>
    getSnapshot(place.context, 1, key).then(
      () => true,
      () => false,
    );
  const later = async (seconds: number) => {
    place.passSeconds(seconds);
    await place.sweep();
  };

  test("what is held stays past its life and is not deleted; once nobody holds it, its life begins anew", async () => {
    await hold("registry/a@1");
    await hold("registry/a@1");
    await hold("b");
    await place.reopen();
    await later(2 * DAY);
    await expect(remove()).rejects.toMatchObject({ reason: "SNAPSHOT_IN_USE", metadata: { snapshot, holder: "b" } });
    await release("b");
    await release("b");
    await expect(remove()).rejects.toMatchObject({ metadata: { holder: "registry/a@1" } });
    await release("registry/a@1");
    await later(DAY - 1);
    expect(await isThere()).toBe(true);
    await later(1);
    expect(await isThere()).toBe(false);
    await expect(hold("late")).rejects.toMatchObject({ reason: "SNAPSHOT_EXPIRED", metadata: { snapshot } });
  });

  test("a hold with a time to live ends by itself; placed again, it lasts as long as was said last", async () => {
    await hold("short", [snapshot], 10);
    place.passSeconds(9);
    await expect(remove()).rejects.toMatchObject({ metadata: { holder: "short" } });
    await hold("short", [snapshot], 2 * DAY);
    await later(DAY + 10);
    expect(await isThere()).toBe(true);
    await hold("short", [snapshot], 5);
    place.passSeconds(5);
    expect(await holders()).toEqual([]);
    await remove();
    expect(await isThere()).toBe(false);
  });

  test("the end of a hold by itself begins the snapshot's life anew, and leaves nothing behind", async () => {
    await hold("short", [snapshot], 2 * DAY);
    await later(2 * DAY);
    await place.reopen();
    expect((await getSnapshot(place.context, 1, snapshot)).expireTime?.seconds).toBe(
      place.now / 1_000_000n + BigInt(DAY),
    );
    await later(DAY);
    expect(await isThere()).toBe(false);
    expect(await holders()).toEqual([]);
  });

  test("several snapshots are held together or not at all", async () => {
    const other = await streamed(2);
    await expect(hold("a", [snapshot, "00".repeat(32)])).rejects.toMatchObject({
      reason: "SNAPSHOT_NOT_FOUND",
      metadata: { snapshot: "00".repeat(32) },
    });
    await remove(other);
    await expect(hold("a", [snapshot, other])).rejects.toMatchObject({
      reason: "SNAPSHOT_EXPIRED",
      metadata: { snapshot: other },
    });
    expect(await holders()).toEqual([]);
    const again = await streamed(2);
    await hold("a", [snapshot, again]);
    await release("a");
    await Promise.all([snapshot, again].map((key) => remove(key)));
  });

  test("holds are listed by holder and snapshot, by prefix, of one snapshot, page by page", async () => {
    const other = await streamed(2);
    const both = [snapshot, other].toSorted();
    await openRun(
      place.context,
      1,
      runRequest("r", { source: { ...runSource, source: { $case: "snapshot", value: snapshot } } }),
      never,
    );
    await hold("registry/b@2", both);
    await hold("registry/b@10", [other], 60);
    await hold("other", [other]);
    const all = (await list()).holds.map((one) => `${one.holder} ${one.snapshot}`);
    expect(all).toEqual([
      `other ${other}`,
      `registry/b@10 ${other}`,
      ...both.map((key) => `registry/b@2 ${key}`),
      `run/r ${snapshot}`,
    ]);
    const paged: string[] = [];
    let start: Uint8Array | undefined;
    do {
      const page = await list({ prefix: "registry/", limit: 2, start });
      paged.push(...page.holds.map((one) => `${one.holder} ${one.snapshot}`));
      start = page.next;
    } while (start !== undefined);
    expect(paged).toEqual(all.slice(1, 4));
    const bySnapshot: string[] = [];
    start = undefined;
    do {
      const page = await list({ prefix: "registry/", bySnapshot: true, limit: 2, start });
      bySnapshot.push(...page.holds.map((one) => `${one.snapshot} ${one.holder}`));
      start = page.next;
    } while (start !== undefined);
    const names = [`${other} registry/b@10`, ...both.map((key) => `${key} registry/b@2`)];
    expect(bySnapshot).toEqual(names.toSorted());
    const { revision } = await deleteRecords(place.context, 1, "docs", ["a"]);
    expect((await list()).holds.map((one) => one.deletionRevision)).toEqual(all.map(() => revision));
    const [ending] = (await list({ prefix: "registry/b@10" })).holds;
    expect(ending?.expireTime?.seconds).toBe((ending?.createTime?.seconds ?? 0n) + 60n);
    expect(
      (await listHolds(place.context, 2, { prefix: "", bySnapshot: false, limit: 9, start: undefined })).holds,
    ).toEqual([]);
  });

  test("many hold and release one snapshot at once", async () => {
    const names = Array.from({ length: 40 }, (_, number) => `holder-${number}`);
    await Promise.all(names.map((name) => hold(name)));
    await Promise.all(names.slice(1).map(release));
    await expect(remove()).rejects.toMatchObject({ metadata: { holder: "holder-0" } });
    await release("holder-0");
    await remove();
  });
});
