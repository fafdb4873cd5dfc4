import type { Client } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";

describe("holds and what snapshots hold, over the wire", () => {
  let server: TestServer;
  let exports: Client<ExportServiceDefinition>;
  let corpus: Client<CorpusServiceDefinition>;
  let snapshot: string;

  beforeAll(async () => {
    server = await startTestServer();
    exports = server.client(ExportServiceDefinition);
    corpus = server.client(CorpusServiceDefinition);
    const records = ["a", "b", "c"].map((id) => ({ id, fieldsJson: `{"text":"${id}"}`, subject: "mila" }));
    await corpus.upsertRecords({ collection: "docs", records });
    snapshot = await built("docs");
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function built(collection: string): Promise<string> {
    const source = { source: { $case: "spec", value: { collection, format: "text" } } } as const;
    const key = (await exports.buildSnapshot({ source })).snapshot?.key ?? "";
    await Array.fromAsync(exports.watchSnapshot({ snapshot: key }));
    return key;
  }
  const reader = async () => {
    const { secret } = await server.client(TokenServiceDefinition).createToken({ scopes: ["export.read"] });
    return server.client(ExportServiceDefinition, secret);
  };

  test("holders have names of holder_bytes at most, and are no runs", async () => {
    const longest = "h".repeat(limits.holder_bytes);
    await exports.holdSnapshots({ holder: longest, snapshots: [snapshot] });
    expect((await exports.listHolds({ holderPrefix: longest })).holds).toMatchObject([{ holder: longest, snapshot }]);
    await exports.releaseSnapshots({ holder: longest });
    for (const holder of [`${longest}h`, "", "run/a", "/a", "A", "a b", "ä"]) {
      const refused = { reason: "FIELD_INVALID", fields: ["holder"] };
      expect(await failure(exports.holdSnapshots({ holder, snapshots: [snapshot] }))).toMatchObject(refused);
      expect(await failure(exports.releaseSnapshots({ holder }))).toMatchObject(refused);
    }
    expect(await failure(exports.listHolds({ holderPrefix: `${longest}h` }))).toMatchObject({
      fields: ["holder_prefix"],
    });
    expect((await exports.listHolds({})).holds).toEqual([]);
  });

  test("a call holds held_snapshots at most, by whole keys", async () => {
    const many = Array.from({ length: limits.held_snapshots }, () => snapshot);
    await exports.holdSnapshots({ holder: "many", snapshots: many });
    const more = exports.holdSnapshots({ holder: "many", snapshots: [...many, snapshot] });
    expect(await failure(more)).toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit: "held_snapshots" } });
    await exports.releaseSnapshots({ holder: "many" });
    expect(await failure(exports.holdSnapshots({ holder: "a", snapshots: [] }))).toMatchObject({
      fields: ["snapshots"],
    });
    const short = exports.holdSnapshots({ holder: "a", snapshots: [snapshot, snapshot.slice(0, 12)] });
    expect(await failure(short)).toMatchObject({ reason: "FIELD_INVALID", fields: ["snapshots[1]"] });
  });

  test("lists go on page by page, with tokens of the same question", async () => {
    for (const holder of ["p/1", "p/2", "p/3"]) await exports.holdSnapshots({ holder, snapshots: [snapshot] });
    const first = await exports.listHolds({ holderPrefix: "p/", pageSize: 2 });
    const second = await exports.listHolds({ holderPrefix: "p/", pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.holds, ...second.holds].map(({ holder }) => holder)).toEqual(["p/1", "p/2", "p/3"]);
    expect(second.nextPageToken).toBe("");
    const other = exports.listHolds({ holderPrefix: "p", pageToken: first.nextPageToken });
    expect(await failure(other)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    for (const holder of ["p/1", "p/2", "p/3"]) await exports.releaseSnapshots({ holder });

    const records = await exports.listSnapshotRecords({ snapshot, pageSize: 2 });
    const more = await exports.listSnapshotRecords({ snapshot, pageSize: 2, pageToken: records.nextPageToken });
    expect([...records.records, ...more.records].map(({ record }) => record)).toEqual(["a", "b", "c"]);

    await corpus.upsertRecords({
      collection: "docs",
      records: [{ id: "d", fieldsJson: '{"text":"d"}', subject: "mila" }],
    });
    const later = await built("docs");
    const origin = { $case: "subject", value: { collection: "", subject: "mila" } } as const;
    const found: string[] = [];
    let pageToken = "";
    do {
      const page = await exports.findSnapshots({ origin, pageSize: 1, pageToken });
      found.push(...page.snapshots.map((one) => `${one.snapshot} ${one.records.join("")}`));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(found).toEqual([`${snapshot} abc`, `${later} abcd`].toSorted());
  });

  test("deletions are told after a revision, page by page", async () => {
    const ids = ["1", "2", "3"];
    await corpus.upsertRecords({ collection: "gone", records: ids.map((id) => ({ id, fieldsJson: '{"text":"x"}' })) });
    const key = await built("gone");
    const empty = await exports.listSnapshotDeletions({ snapshot: key });
    expect(empty).toMatchObject({ deletions: [], nextPageToken: "" });
    const revisions: bigint[] = [];
    for (const id of ids) revisions.push((await corpus.deleteRecords({ collection: "gone", ids: [id] })).revision);
    const asked = { snapshot: key, afterRevision: empty.throughRevision, pageSize: 2 };
    const first = await exports.listSnapshotDeletions(asked);
    const second = await exports.listSnapshotDeletions({ ...asked, pageToken: first.nextPageToken });
    const told = [...first.deletions, ...second.deletions];
    expect(told.map(({ record, revision }) => [record, revision])).toEqual(
      ids.map((id, place) => [id, revisions[place]]),
    );
    expect(second.throughRevision).toBe(first.throughRevision);
    expect(
      (await exports.listSnapshotDeletions({ snapshot: key, afterRevision: revisions[1] ?? 0n })).deletions,
    ).toHaveLength(1);
    const beyond = await exports.listSnapshotDeletions({
      snapshot: key,
      afterRevision: second.throughRevision + 1000n,
    });
    expect(beyond).toMatchObject({ deletions: [], throughRevision: second.throughRevision });
  });

  test("what cannot be looked for is refused", async () => {
    const find = (value: object, $case = "record") =>
      failure(exports.findSnapshots({ origin: { $case, value } as never }));
    expect(await failure(exports.findSnapshots({}))).toMatchObject({ fields: ["origin"] });
    expect(await find({ collection: "", record: "a" })).toMatchObject({ fields: ["collection"] });
    expect(await find({ collection: "docs", record: "" })).toMatchObject({ fields: ["record"] });
    expect(await find({ collection: "Docs", subject: "a" }, "subject")).toMatchObject({ fields: ["collection"] });
    for (const subject of ["", "s".repeat(limits.subject_bytes + 1), "a\0b"]) {
      expect(await find({ subject }, "subject")).toMatchObject({ fields: ["subject"] });
    }
    await exports.findSnapshots({ origin: { $case: "subject", value: { subject: "s".repeat(limits.subject_bytes) } } });
    expect(await failure(exports.listSnapshotRecords({ snapshot: "00".repeat(32) }))).toMatchObject({
      reason: "SNAPSHOT_NOT_FOUND",
    });
    expect(await failure(exports.listSnapshotDeletions({ snapshot: "00".repeat(32) }))).toMatchObject({
      reason: "SNAPSHOT_NOT_FOUND",
    });
  });

  test("who only reads holds nothing, and another tenant sees nothing", async () => {
    const reading = await reader();
    const scope = { reason: "SCOPE_MISSING", metadata: { scope: "export.write" } };
    expect(await failure(reading.holdSnapshots({ holder: "a", snapshots: [snapshot] }))).toMatchObject(scope);
    expect(await failure(reading.releaseSnapshots({ holder: "a" }))).toMatchObject(scope);
    await exports.holdSnapshots({ holder: "mine", snapshots: [snapshot] });
    const system = server.client(TokenServiceDefinition, server.systemToken);
    const { secret } = await system.createToken({ tenant: "stranger", scopes: ["admin"] });
    const stranger = server.client(ExportServiceDefinition, secret);
    expect((await stranger.listHolds({ holderPrefix: "m" })).holds).toEqual([]);
    expect((await stranger.listHolds({ bySnapshot: true })).holds).toEqual([]);
    await stranger.releaseSnapshots({ holder: "mine" });
    expect((await exports.listHolds({ holderPrefix: "mine" })).holds).toHaveLength(1);
    const notFound = { reason: "SNAPSHOT_NOT_FOUND" };
    expect(await failure(stranger.holdSnapshots({ holder: "a", snapshots: [snapshot] }))).toMatchObject(notFound);
    expect(await failure(stranger.listSnapshotRecords({ snapshot }))).toMatchObject(notFound);
    const origin = { $case: "subject", value: { collection: "", subject: "mila" } } as const;
    expect((await stranger.findSnapshots({ origin })).snapshots).toEqual([]);
    await exports.releaseSnapshots({ holder: "mine" });
  });
});
