import { createHash } from "node:crypto";
import { type Channel, type Client, createChannel, Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Record } from "../../proto/gen/loraloop/corpus/v1/record.ts";
import { failure } from "../../test/support/failure.ts";
import { createClientWith, startTestServer, type TestServer } from "../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../test/support/stores.ts";
import { limits } from "../kit/limits.ts";

function recordOf(id: string, fields: unknown = { id }): { id: string; fieldsJson: string } {
  return { id, fieldsJson: JSON.stringify(fields) };
}

/** A record whose parts have exactly so many bytes. */
function recordOfBytes(id: string, bytes: number): { id: string; fieldsJson: string } {
  return recordOf(id, { a: "x".repeat(bytes - Buffer.byteLength(id) - 8) });
}

describe.each(storeKinds)("corpus service on %s", (kind) => {
  let server: TestServer;
  let corpus: Client<CorpusServiceDefinition>;

  beforeAll(async () => {
    server = await startTestServer({ configuration: storeConfiguration(kind) });
    corpus = server.client(CorpusServiceDefinition);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function listAll(collection: string, pageSize: number): Promise<Record[]> {
    const found: Record[] = [];
    let pageToken = "";
    do {
      const page = await corpus.listRecords({ collection, pageSize, pageToken });
      found.push(...page.records);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  test("a record comes back as it was written, with what the server adds", async () => {
    const sent = {
      id: "ä/1",
      fieldsJson: '{ "b": 1.0, "a": "ü" }',
      source: "f.jsonl",
      qualityScore: 0.5,
      subject: "s",
      group: "g",
    };
    const written = await corpus.upsertRecords({ collection: "whole", records: [sent] });
    expect(written).toMatchObject({ ids: ["ä/1"], unchangedCount: 0 });
    const { record } = await corpus.getRecord({ collection: "whole", id: "ä/1" });
    const fieldsJson = '{"b":1,"a":"ü"}';
    expect(record).toMatchObject({ ...sent, fieldsJson, revision: written.revision });
    expect(record?.contentSha256).toEqual(createHash("sha256").update(fieldsJson).digest());
    expect(record?.createTime).toEqual(record?.updateTime);
  });

  test("a write that changes nothing commits nothing; one that does keeps create_time", async () => {
    const collection = "again";
    const records = [recordOf("a", { v: 1 }), recordOf("b")];
    const first = await corpus.upsertRecords({ collection, records });
    expect(await corpus.upsertRecords({ collection, records })).toEqual({ ...first, unchangedCount: 2 });
    const changed = await corpus.upsertRecords({ collection, records: [recordOf("a", { v: 2 }), recordOf("b")] });
    expect(changed).toMatchObject({ revision: first.revision + 1n, unchangedCount: 1 });
    const before = await corpus.getRecord({ collection, id: "a", revision: first.revision });
    const after = await corpus.getRecord({ collection, id: "a" });
    expect([before.record?.fieldsJson, after.record?.fieldsJson]).toEqual(['{"v":1}', '{"v":2}']);
    expect(after.record?.createTime).toEqual(before.record?.createTime);
    expect(after.record?.updateTime).not.toEqual(before.record?.updateTime);
    expect((await corpus.getRecord({ collection, id: "b" })).record?.revision).toBe(first.revision);
  });

  test.each(["source", "subject", "group", "qualityScore"])("a change of %s alone is a change", async (field) => {
    const collection = "parts";
    const { revision } = await corpus.upsertRecords({ collection, records: [recordOf(field)] });
    const value = field === "qualityScore" ? 0 : "x";
    const changed = await corpus.upsertRecords({ collection, records: [{ ...recordOf(field), [field]: value }] });
    expect(changed).toMatchObject({ revision: revision + 1n, unchangedCount: 0 });
    expect((await corpus.getRecord({ collection, id: field })).record).toMatchObject({ [field]: value });
  });

  test("records without an id get one each", async () => {
    const records = [{ fieldsJson: "{}" }, { fieldsJson: "{}" }];
    const { ids } = await corpus.upsertRecords({ collection: "unnamed", records });
    const listed = await listAll("unnamed", 0);
    expect(listed.map(({ id }) => id)).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(2);
  });

  test("deleting says what was there, and is idempotent", async () => {
    const collection = "deleted";
    await corpus.upsertRecords({ collection, records: ["a", "b", "c"].map((id) => recordOf(id)) });
    const first = await corpus.deleteRecords({ collection, ids: ["a", "c", "never", "a"] });
    expect(first.deletedCount).toBe(2);
    expect(await corpus.deleteRecords({ collection, ids: ["a", "c"] })).toEqual({ ...first, deletedCount: 0 });
    expect((await listAll(collection, 0)).map(({ id }) => id)).toEqual(["b"]);
    expect(await failure(corpus.getRecord({ collection, id: "a" }))).toMatchObject({
      code: Status.NOT_FOUND,
      reason: "RECORD_NOT_FOUND",
      metadata: { collection, record: "a" },
    });
    const earlier = await corpus.getRecord({ collection, id: "a", revision: first.revision - 1n });
    expect(earlier.record?.id).toBe("a");
    await corpus.upsertRecords({ collection, records: [recordOf("a")] });
    const { record } = await corpus.getRecord({ collection, id: "a" });
    expect(record?.createTime).not.toEqual(earlier.record?.createTime);
  });

  test.each([1, 7, 1000])("pages of %i show all records in the order of their ids' bytes", async (pageSize) => {
    const ids = Array.from({ length: 40 }, (_, number) => `r${number}`).concat("Z", "ä", "z", "😀", "\uffee");
    await corpus.upsertRecords({ collection: "paged", records: ids.map((id) => recordOf(id)) });
    const sorted = ids.map((id) => Buffer.from(id)).sort(Buffer.compare);
    expect((await listAll("paged", pageSize)).map(({ id }) => Buffer.from(id))).toEqual(sorted);
  });

  test("all pages show the revision of the first, whatever is written meanwhile", async () => {
    const collection = "moving";
    await corpus.upsertRecords({ collection, records: ["a", "b", "c"].map((id) => recordOf(id)) });
    const first = await corpus.listRecords({ collection, pageSize: 1 });
    await corpus.upsertRecords({ collection, records: [recordOf("aa"), recordOf("b", { new: true })] });
    await corpus.deleteRecords({ collection, ids: ["c"] });
    const rest = await corpus.listRecords({ collection, pageSize: 10, pageToken: first.nextPageToken });
    expect(rest.records.map(({ id, fieldsJson }) => [id, fieldsJson])).toEqual([
      ["b", '{"id":"b"}'],
      ["c", '{"id":"c"}'],
    ]);
    expect([rest.revision, rest.nextPageToken]).toEqual([first.revision, ""]);
    const old = await corpus.listRecords({ collection, revision: first.revision });
    expect(old.records.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  test("a prefix selects ids", async () => {
    const collection = "prefixed";
    const ids = ["a", "a/1", "a/2", "a0", "b", "ä"];
    await corpus.upsertRecords({ collection, records: ids.map((id) => recordOf(id)) });
    const selected = async (idPrefix: string) =>
      (await corpus.listRecords({ collection, idPrefix })).records.map(({ id }) => id);
    expect([await selected("a/"), await selected("ä"), await selected("c")]).toEqual([["a/1", "a/2"], ["ä"], []]);
  });

  test("a page ends at 4 MiB", async () => {
    const collection = "heavy";
    for (const id of ["a", "b", "c"]) {
      await corpus.upsertRecords({ collection, records: [recordOfBytes(id, 1_900_000)] });
    }
    const page = await corpus.listRecords({ collection, pageSize: 1000 });
    expect(page.records.map(({ id }) => id)).toEqual(["a", "b"]);
    expect((await listAll(collection, 1000)).map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  test("a page fits what a client takes unless told otherwise", async () => {
    const collection = "full";
    const records = Array.from({ length: 500 }, (_, number) => recordOfBytes(String(number).padStart(4), 8_380));
    await corpus.upsertRecords({ collection, records });
    const page = await corpus.listRecords({ collection, pageSize: 1000 });
    expect(page.records.length).toBeGreaterThan(480);
    expect(await listAll(collection, 1000)).toHaveLength(500);
  });

  test("page tokens are for their own request and tenant", async () => {
    const collection = "tokens";
    await corpus.upsertRecords({ collection, records: ["a", "b"].map((id) => recordOf(id)) });
    const { nextPageToken: pageToken } = await corpus.listRecords({ collection, pageSize: 1 });
    const { client: stranger } = await otherTenant("token-stranger");
    await stranger.upsertRecords({ collection, records: [recordOf("a")] });
    for (const call of [
      () => corpus.listRecords({ collection, pageToken: "nonsense" }),
      () => corpus.listRecords({ collection, pageToken, idPrefix: "a" }),
      () => corpus.listRecords({ collection: "paged", pageToken }),
      () => corpus.listCollections({ pageToken }),
      () => stranger.listRecords({ collection, pageToken }),
    ]) {
      expect(await failure(call())).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: "PAGE_TOKEN_INVALID" });
    }
  });

  test("collections are listed by name with their last change", async () => {
    const { client } = await otherTenant("lister");
    const changes = new Map<string, bigint>();
    for (const collection of ["beta", "alpha", "gamma"]) {
      changes.set(collection, (await client.upsertRecords({ collection, records: [recordOf("a")] })).revision);
    }
    changes.set("beta", (await client.deleteRecords({ collection: "beta", ids: ["a"] })).revision);
    const first = await client.listCollections({ pageSize: 2 });
    const last = await client.listCollections({ pageSize: 2, pageToken: first.nextPageToken });
    const listed = [...first.collections, ...last.collections];
    expect(listed.map(({ name, revision }) => [name, revision])).toEqual([...changes].sort());
    expect(listed.every(({ createTime }) => createTime !== undefined)).toBe(true);
    expect(last.nextPageToken).toBe("");
  });

  async function otherTenant(tenant: string) {
    const system = server.client(TokenServiceDefinition, server.systemToken);
    const { secret } = await system.createToken({ tenant, scopes: ["admin"] });
    return { client: server.client(CorpusServiceDefinition, secret) };
  }

  test("tenants do not see each other", async () => {
    const collection = "secret";
    await corpus.upsertRecords({ collection, records: [recordOf("a")] });
    const { client: stranger } = await otherTenant("stranger");
    for (const call of [
      () => stranger.getRecord({ collection, id: "a" }),
      () => stranger.listRecords({ collection }),
      () => stranger.deleteRecords({ collection, ids: ["a"] }),
    ]) {
      expect(await failure(call())).toMatchObject({ code: Status.NOT_FOUND, reason: "COLLECTION_NOT_FOUND" });
    }
    expect((await stranger.listCollections({})).collections).toEqual([]);
    await stranger.upsertRecords({ collection, records: [recordOf("a", { other: true })] });
    expect((await corpus.getRecord({ collection, id: "a" })).record?.fieldsJson).toBe('{"id":"a"}');
  });

  test("writers that meet all succeed, each in a commit of its own", async () => {
    const collection = "meeting";
    const writes = Array.from({ length: 8 }, (_, n) =>
      corpus.upsertRecords({ collection, records: [recordOf("same", { n }), recordOf(`own-${n}`)] }),
    );
    const revisions = (await Promise.all(writes)).map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(8);
    const listed = await listAll(collection, 0);
    expect(listed).toHaveLength(9);
    const last = revisions.toSorted((one, other) => Number(one - other)).at(-1);
    expect(listed.find(({ id }) => id === "same")?.revision).toBe(last);
  });

  test.each([
    ["malformed JSON", '{"a":', /records\[1\]: fields_json is not JSON/],
    ["an array", "[]", /records\[1\]: fields_json is an array/],
    ["NUL", String.raw`{"a":"\u0000"}`, /records\[1\]: fields_json "a" holds NUL/],
    ["a lone surrogate", String.raw`{"a":"\udc00"}`, /"a" holds half of a surrogate pair/],
    ["2^53 + 1", '{"a":9007199254740993}', /"a" is an integer of about/],
    ["10 MB", `{"a":"${"x".repeat(10_000_000)}"}`, /10000008 bytes, above the limit record_bytes|chunk_bytes/],
    ["nesting of 65", `{"a":${"[".repeat(64)}${"]".repeat(64)}}`, /record_depth/],
  ])("one bad record (%s) refuses the call and stores nothing", async (_name, fieldsJson, message) => {
    const records = [recordOf("good"), { id: "bad", fieldsJson }];
    const refused = await failure(corpus.upsertRecords({ collection: "refused", records }));
    expect(refused).toMatchObject({ code: Status.INVALID_ARGUMENT, message: expect.stringMatching(message) });
    expect(await failure(corpus.listRecords({ collection: "refused" }))).toMatchObject({
      reason: "COLLECTION_NOT_FOUND",
    });
  });

  test("the error of a bad record names it, its place and its problem", async () => {
    const records = [recordOf("good"), { id: "bad", fieldsJson: "[]" }];
    expect(await failure(corpus.upsertRecords({ collection: "refused", records }))).toMatchObject({
      reason: "RECORD_INVALID",
      metadata: { record: "bad", index: "1", problem: expect.stringMatching(/is an array/) },
    });
    const twice = [recordOf("a"), recordOf("b"), recordOf("a")];
    expect(await failure(corpus.upsertRecords({ collection: "refused", records: twice }))).toMatchObject({
      reason: "RECORD_INVALID",
      metadata: { record: "a", index: "2", problem: 'id "a" comes twice; send it once.' },
    });
  });

  test.each(["", "Docs", "1a", "a b", "a-", "../a", "a\0", "a".repeat(64)])(
    "a collection named %j is refused",
    async (collection) => {
      const refused = { code: Status.INVALID_ARGUMENT, reason: "FIELD_INVALID", fields: ["collection"] };
      expect(await failure(corpus.upsertRecords({ collection, records: [recordOf("a")] }))).toMatchObject(refused);
      expect(await failure(corpus.getRecord({ collection, id: "a" }))).toMatchObject(refused);
      expect(await failure(corpus.listRecords({ collection }))).toMatchObject(refused);
      expect(await failure(corpus.deleteRecords({ collection, ids: ["a"] }))).toMatchObject(refused);
    },
  );

  test("bad fields of reads and deletes are refused by name", async () => {
    const collection = "whole";
    const long = "x".repeat(limits.record_id_bytes + 1);
    for (const [call, field] of [
      [() => corpus.getRecord({ collection, id: "" }), "id"],
      [() => corpus.getRecord({ collection, id: long }), "id"],
      [() => corpus.deleteRecords({ collection, ids: ["a", long] }), "ids[1]"],
      [() => corpus.deleteRecords({ collection, ids: [] }), "ids"],
      [() => corpus.upsertRecords({ collection, records: [] }), "records"],
      [() => corpus.listRecords({ collection, pageSize: -1 }), "page_size"],
      [() => corpus.listRecords({ collection, idPrefix: long }), "id_prefix"],
      [() => corpus.listCollections({ pageSize: -1 }), "page_size"],
    ] as const) {
      expect(await failure(call())).toMatchObject({ reason: "FIELD_INVALID", fields: [field] });
    }
    expect(await failure(corpus.listRecords({ collection, revision: 1_000_000n }))).toMatchObject({
      code: Status.OUT_OF_RANGE,
      reason: "REVISION_UNKNOWN",
    });
  });

  /** Takes messages above gRPC's default of 4 MiB. */
  function largeChannel(): Channel & Disposable {
    const channel = createChannel(server.address, undefined, {
      "grpc.max_receive_message_length": limits.message_bytes,
    });
    return Object.assign(channel, { [Symbol.dispose]: () => channel.close() });
  }

  describe("limits", () => {
    const collection = "limits";
    const many = (count: number) => Array.from({ length: count }, (_, number) => recordOf(`r${number}`));
    const exceeded = (limit: string, maximum: number, actual: number) => ({
      code: Status.INVALID_ARGUMENT,
      reason: "LIMIT_EXCEEDED",
      message: expect.stringContaining(limit),
      metadata: { limit, maximum: String(maximum), actual: String(actual) },
    });

    test("500 records or ids at once, not 501", async () => {
      expect((await corpus.upsertRecords({ collection, records: many(500) })).ids).toHaveLength(500);
      const ids = many(501).map(({ id }) => id);
      const refused = exceeded("chunk_records", 500, 501);
      expect(await failure(corpus.upsertRecords({ collection, records: many(501) }))).toMatchObject(refused);
      expect(await failure(corpus.deleteRecords({ collection, ids }))).toMatchObject(refused);
      expect((await corpus.deleteRecords({ collection, ids: ids.slice(0, 500) })).deletedCount).toBe(500);
    });

    test("4 MiB of records at once, not a byte more", async () => {
      const half = limits.chunk_bytes / 2;
      const halves = (more: number) => [recordOfBytes("a", half), recordOfBytes("b", half + more)];
      await corpus.upsertRecords({ collection, records: halves(0) });
      const refused = exceeded("chunk_bytes", limits.chunk_bytes, limits.chunk_bytes + 1);
      expect(await failure(corpus.upsertRecords({ collection, records: halves(1) }))).toMatchObject(refused);
    });

    test("4 MiB in 500 records", async () => {
      const records = many(500).map(({ id }) => recordOfBytes(id, Math.floor(limits.chunk_bytes / 500)));
      expect((await corpus.upsertRecords({ collection, records })).unchangedCount).toBe(0);
    });

    test("a record alone may have 4 MiB of JSON beside its other fields", async () => {
      const { fieldsJson } = recordOfBytes("", limits.record_bytes);
      const record = { id: "x".repeat(limits.record_id_bytes), fieldsJson, source: "y".repeat(limits.source_bytes) };
      await corpus.upsertRecords({ collection, records: [record] });
      using channel = largeChannel();
      const reader = createClientWith(CorpusServiceDefinition, channel, server.token);
      expect((await reader.getRecord({ collection, id: record.id })).record?.fieldsJson).toBe(fieldsJson);
      const larger = { ...record, fieldsJson: recordOfBytes("", limits.record_bytes + 1).fieldsJson };
      expect(await failure(corpus.upsertRecords({ collection, records: [larger] }))).toMatchObject({
        reason: "RECORD_INVALID",
        message: expect.stringContaining("record_bytes"),
      });
    });

    test("numbers may grow by what fits a commit", async () => {
      const numbers = (id: string) => ({ id, fieldsJson: `{"a":[${"1e15,".repeat(240_000)}1]}` });
      await corpus.upsertRecords({ collection, records: [numbers("a")] });
      const refused = { reason: "LIMIT_EXCEEDED", metadata: { limit: "chunk_stored_bytes" } };
      expect(await failure(corpus.upsertRecords({ collection, records: [numbers("a"), numbers("b")] }))).toMatchObject(
        refused,
      );
    });

    test("a message of more than 16 MiB is refused as a whole", async () => {
      const records = [recordOfBytes("a", limits.message_bytes)];
      expect(await failure(corpus.upsertRecords({ collection, records }))).toMatchObject({
        code: Status.RESOURCE_EXHAUSTED,
      });
    });
  });
});
