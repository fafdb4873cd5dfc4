import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RunsPlace } from "../../../test/support/runs.ts";
import { specSource, stream, type TestRecord, upsert } from "../../../test/support/samples.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { deleteRecords } from "../commands/delete-records.ts";
import { deleteSnapshot } from "../commands/delete-snapshot.ts";
import { findSnapshots, type SearchPosition } from "../commands/find-snapshots.ts";
import { listSnapshotDeletions } from "../commands/list-snapshot-deletions.ts";
import { listSnapshotRecords } from "../commands/list-snapshot-records.ts";
import type { Origin } from "../corpus/origin-records.ts";

const longId = "ü".repeat(128);

describe.each(storeKinds)("what snapshots hold, in %s", (kind) => {
  let place: RunsPlace;

  beforeEach(async () => {
    place = await RunsPlace.open(kind);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  /** Each a second after the one before, as people write them. */
  const write = async (collection: string, records: readonly TestRecord[]) => {
    place.passSeconds(1);
    await upsert(place.context, 1, collection, records);
  };
  const remove = (collection: string, ids: readonly string[]) => {
    place.passSeconds(1);
    return deleteRecords(place.context, 1, collection, ids);
  };
  const build = async (collection: string) =>
    (await stream(place.context, specSource({ collection, format: "text" }))).header.snapshot;
  const record = (id: string, subject = "", text = `text of ${id}`) => ({ id, fields: { text }, subject });
  const searched = async (origin: Origin, limit = 100, tenant = 1) => {
    const found: string[] = [];
    let position: SearchPosition | undefined;
    do {
      const page = await findSnapshots(place.context, tenant, { origin, limit, position });
      found.push(...page.snapshots.map((one) => `${one.snapshot} ${one.collection} ${one.records.join(",")}`));
      position = page.next;
    } while (position !== undefined);
    return found;
  };
  const ofRecord = (collection: string, id: string): Origin => ({ $case: "record", value: { collection, record: id } });
  const ofSubject = (subject: string, collection = ""): Origin => ({
    $case: "subject",
    value: { collection, subject },
  });
  const deletions = async (snapshot: string, afterRevision = 0n, limit = 100) => {
    const at = (await place.store.head(1)).revision;
    const found: string[] = [];
    let start: Uint8Array | undefined;
    do {
      const list = { snapshot, afterRevision, limit, at, start };
      const page = await listSnapshotDeletions(place.context, 1, list);
      found.push(...page.deletions.map((one) => one.record));
      start = page.next;
    } while (start !== undefined);
    return { found, at };
  };

  test("a record is found in every snapshot that was built while it was there", async () => {
    const ids = Array.from({ length: 100 }, (_, number) => `r${number}`);
    await write("docs", [
      ...ids.map((id) => record(id)),
      record(longId),
      record("dup1", "", "same"),
      record("dup2", "", "same"),
    ]);
    const first = await build("docs");
    await remove("docs", ["r7", longId]);
    const second = await build("docs");
    const both = [first, second].toSorted();
    for (const id of ["r0", "r50", "r99"]) {
      expect(await searched(ofRecord("docs", id))).toEqual(both.map((key) => `${key} docs ${id}`));
    }
    expect(await searched(ofRecord("docs", "r7"), 1)).toEqual([`${first} docs r7`]);
    expect(await searched(ofRecord("docs", longId))).toEqual([`${first} docs ${longId}`]);
    expect(await searched(ofRecord("docs", "r100"))).toEqual([]);
    await expect(searched(ofRecord("none", "r0"))).rejects.toMatchObject({ reason: "COLLECTION_NOT_FOUND" });
    await expect(searched(ofRecord("docs", "r0"), 1, 2)).rejects.toMatchObject({ reason: "COLLECTION_NOT_FOUND" });
    await deleteSnapshot(place.context, 1, first);
    expect(await searched(ofRecord("docs", "r7"))).toEqual([]);
  });

  test("a subject is found by the records that were its own when a snapshot was built, in one collection or all", async () => {
    await write("docs", [record("a", "mila"), record("b", "mila"), record("c", "milan"), record("d")]);
    await write("notes", [record("x", "mila"), record("y", "noa")]);
    const [docs, notes] = [await build("docs"), await build("notes")];
    await remove("docs", ["a"]);
    await write("docs", [record("b", "noa", "now another's")]);
    await place.reopen();
    const all = [`${docs} docs a,b`, `${notes} notes x`].toSorted();
    expect(await searched(ofSubject("mila"))).toEqual(all);
    expect(await searched(ofSubject("mila", "notes"))).toEqual([`${notes} notes x`]);
    expect(await searched(ofSubject("noa", "docs"))).toEqual([]);
    // What the store no longer tells may be anybody's who had it once.
    await place.store.compact(1, (await place.store.head(1)).revision);
    expect(await searched(ofSubject("mila"))).toEqual(all);
    expect(await searched(ofSubject("noa", "docs"))).toEqual([`${docs} docs b`]);
    expect(await searched(ofSubject("mil"))).toEqual([]);
    expect(await searched(ofSubject("mila"), 100, 2)).toEqual([]);
  });

  test("a subject with more records than one page looks at is found on several pages", async () => {
    const ids = Array.from({ length: 10_050 }, (_, number) => `r${String(number).padStart(5, "0")}`);
    await write(
      "docs",
      ids.map((id) => record(id, "mila")),
    );
    const snapshot = await build("docs");
    const [first, second, ...more] = await searched(ofSubject("mila"));
    expect(more).toEqual([]);
    const found = [first, second].map((one) => one?.slice(`${snapshot} docs `.length).split(",") ?? []);
    expect(found[0]?.length).toBeGreaterThan(9000);
    expect(found.flat()).toEqual(ids);
  });

  test("records are listed in the order of samples, with whose they were and whether they were deleted", async () => {
    await write("docs", [record("a", "mila"), record("b", "mila"), record("c"), record("d")]);
    const snapshot = await build("docs");
    await remove("docs", ["a", "b", "d"]);
    await write("docs", [record("b", "noa"), record("c", "noa", "changed"), record("e")]);
    const first = await listSnapshotRecords(place.context, 1, { snapshot, limit: 3, firstSample: 0 });
    expect(first).toEqual({
      records: [
        { record: "a", subject: "mila", deleted: true },
        { record: "b", subject: "mila", deleted: true },
        { record: "c", subject: "", deleted: false },
      ],
      next: 3,
    });
    const second = await listSnapshotRecords(place.context, 1, { snapshot, limit: 3, firstSample: 3 });
    expect(second).toEqual({ records: [{ record: "d", subject: "", deleted: true }], next: undefined });
  });

  test("whose a record was is told of what was not written since, and of the rest while the store keeps what it was", async () => {
    await write("docs", [record("a", "mila"), record("b", "mila"), record("c", "mila")]);
    const snapshot = await build("docs");
    await remove("docs", ["a"]);
    await write("docs", [record("b", "noa")]);
    const subjects = async () =>
      (await listSnapshotRecords(place.context, 1, { snapshot, limit: 3, firstSample: 0 })).records.map(
        ({ subject }) => subject,
      );
    expect(await subjects()).toEqual(["mila", "mila", "mila"]);
    await place.store.compact(1, (await place.store.head(1)).revision);
    expect(await subjects()).toEqual(["", "", "mila"]);
  });

  test("deletions after the build are told once each, in their order, after any revision", async () => {
    await write(
      "docs",
      ["a", "b", "c", "d", "e"].map((id) => record(id)),
    );
    await remove("docs", ["e"]);
    const snapshot = await build("docs");
    await write("docs", [record("later"), record("e")]);
    await remove("docs", ["c", "later"]);
    await write("docs", [record("c"), record("z")]);
    const middle = (await deletions(snapshot)).at;
    await remove("docs", ["c", "z"]);
    await remove("docs", ["b", "a", "never"]);
    await write("docs", [record("b")]);
    await remove("notes-of-others", ["a"]).catch(() => undefined);
    await place.reopen();
    for (const limit of [1, 100]) {
      expect((await deletions(snapshot, 0n, limit)).found).toEqual(["c", "a", "b"]);
      expect((await deletions(snapshot, middle, limit)).found).toEqual(["a", "b"]);
    }
    const { at } = await deletions(snapshot);
    expect((await deletions(snapshot, at)).found).toEqual([]);
    const second = await build("docs");
    expect((await deletions(second)).found).toEqual([]);
    const { revision } = await remove("docs", ["d"]);
    expect((await deletions(snapshot, at)).found).toEqual(["d"]);
    expect((await deletions(second)).found).toEqual(["d"]);
    const list = { snapshot, afterRevision: at, limit: 9, at: revision, start: undefined };
    const [told] = (await listSnapshotDeletions(place.context, 1, list)).deletions;
    const time = expect.objectContaining({ seconds: place.now / 1_000_000n });
    expect(told).toEqual({ record: "d", revision, time });
  });

  test("deletions at the same time are all told", async () => {
    const ids = Array.from({ length: 60 }, (_, number) => `r${String(number).padStart(2, "0")}`);
    await write(
      "docs",
      ids.map((id) => record(id)),
    );
    const snapshot = await build("docs");
    const revisions = await Promise.all(ids.map((id) => deleteRecords(place.context, 1, "docs", [id])));
    expect(new Set(revisions.map(({ revision }) => revision)).size).toBe(ids.length);
    expect((await deletions(snapshot)).found.toSorted()).toEqual(ids);
    const middle = revisions.map(({ revision }) => revision).toSorted((a, b) => Number(a - b))[29] ?? 0n;
    expect((await deletions(snapshot, middle)).found).toHaveLength(30);
  });
});
