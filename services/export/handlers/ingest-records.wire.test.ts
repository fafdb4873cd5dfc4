import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { chunkMessage, commitMessage, IngestCall, startMessage } from "../../../test/support/ingest.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../../test/support/stores.ts";
import { limits } from "../../kit/limits.ts";

type SentRecord = { id: string; fieldsJson: string };

function records(...ids: string[]): SentRecord[] {
  return ids.map((id) => ({ id, fieldsJson: JSON.stringify({ id }) }));
}

/** Chunks of three records each, `00-0`, `00-1`, … */
function chunksOf(count: number): SentRecord[][] {
  const number = (chunk: number) => String(chunk).padStart(2, "0");
  return Array.from({ length: count }, (_, chunk) => records(...[0, 1, 2].map((place) => `${number(chunk)}-${place}`)));
}

describe.each(storeKinds)("IngestRecords on %s", (kind) => {
  let server: TestServer;
  let corpus: Client<CorpusServiceDefinition>;

  beforeAll(async () => {
    server = await startTestServer({ configuration: storeConfiguration(kind) });
    corpus = server.client(CorpusServiceDefinition);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function start(collection: string, ingestId = "i", client = corpus): Promise<IngestCall> {
    const call = new IngestCall(client);
    call.send(startMessage(collection, ingestId));
    return call;
  }

  async function idsIn(collection: string): Promise<string[]> {
    const ids: string[] = [];
    let pageToken = "";
    do {
      const page = await corpus.listRecords({ collection, pageSize: 1000, pageToken });
      ids.push(...page.records.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return ids;
  }

  test("chunks are visible once acknowledged, in order, each in its own commit", async () => {
    const chunks = chunksOf(12);
    const call = await start("whole");
    expect(await call.next()).toEqual({ $case: "started", value: { nextChunk: 0n } });
    call.send(...chunks.map((chunk, number) => chunkMessage(number, chunk)), commitMessage(chunks));
    let last = 0n;
    for (const [number, chunk] of chunks.entries()) {
      const answer = await call.next();
      expect(answer).toMatchObject({
        $case: "acknowledged",
        value: { chunk: BigInt(number), keptCount: 3, errors: [] },
      });
      const revision = answer?.$case === "acknowledged" ? answer.value.revision : 0n;
      expect(revision).toBeGreaterThan(last);
      last = revision;
      const id = chunk[2]?.id ?? "";
      expect((await corpus.getRecord({ collection: "whole", id })).record?.revision).toBe(revision);
    }
    expect(await call.next()).toEqual({
      $case: "committed",
      value: { recordCount: 36n, keptCount: 36n, revision: last + 1n },
    });
    expect(await call.next()).toBeUndefined();
    expect(await idsIn("whole")).toEqual(chunks.flat().map(({ id }) => id));
  });

  test("bad records are named one by one while the rest goes on", async () => {
    const chunk = [
      ...records("good"),
      { id: "array", fieldsJson: "[]" },
      { id: "x".repeat(limits.record_id_bytes + 1), fieldsJson: "{}" },
      { id: "huge", fieldsJson: '{"n":9007199254740993}' },
      { id: "", fieldsJson: "{}" },
    ];
    const call = await start("mixed");
    await call.next();
    const answer = await call.ask(chunkMessage(0, chunk));
    expect(answer).toMatchObject({ value: { keptCount: 2, unchangedCount: 0 } });
    const errors = answer?.$case === "acknowledged" ? answer.value.errors : [];
    expect(errors.map(({ index, id }) => [index, id])).toEqual([
      [1, "array"],
      [2, ""],
      [3, "huge"],
    ]);
    expect(errors.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/is an array/),
      expect.stringMatching(/record_id_bytes/),
      expect.stringMatching(/"n" is an integer/),
    ]);
    expect(await call.ask(commitMessage([chunk]))).toMatchObject({ value: { recordCount: 5n, keptCount: 2n } });
    expect(await idsIn("mixed")).toHaveLength(2);
  });

  test("a record of 10 MB alone in its chunk is refused, and the next chunk is kept", async () => {
    const call = await start("large");
    await call.next();
    const large = { id: "large", fieldsJson: JSON.stringify({ a: "x".repeat(10_000_000) }) };
    expect(await call.ask(chunkMessage(0, [large]))).toMatchObject({
      value: { keptCount: 0, errors: [{ index: 0, id: "large", problem: expect.stringContaining("record_bytes") }] },
    });
    expect(await call.ask(chunkMessage(1, records("small")))).toMatchObject({ value: { keptCount: 1 } });
    call.end();
    expect(await idsIn("large")).toEqual(["small"]);
  });

  test("of records with one id the last wins, inside a chunk and across chunks", async () => {
    const version = (v: number) => ({ id: "a", fieldsJson: `{"v":${v}}` });
    const call = await start("versions");
    await call.next();
    expect(await call.ask(chunkMessage(0, [version(1), version(2)]))).toMatchObject({ value: { keptCount: 2 } });
    expect((await corpus.getRecord({ collection: "versions", id: "a" })).record?.fieldsJson).toBe('{"v":2}');
    call.send(chunkMessage(1, [version(3)]), chunkMessage(2, [version(4)]), chunkMessage(3, [version(4)]));
    expect(await call.next()).toMatchObject({ value: { unchangedCount: 0 } });
    expect(await call.next()).toMatchObject({ value: { unchangedCount: 0 } });
    expect(await call.next()).toMatchObject({ value: { unchangedCount: 1 } });
    call.end();
    expect((await corpus.getRecord({ collection: "versions", id: "a" })).record?.fieldsJson).toBe('{"v":4}');
  });

  test("after a lost answer everything may be sent again, and is answered as the first time", async () => {
    const chunks = [...chunksOf(3), [...records("z"), { id: "bad", fieldsJson: "[]" }]];
    const messages = [...chunks.map((chunk, number) => chunkMessage(number, chunk)), commitMessage(chunks)];
    const run = async () => {
      const call = await start("lost");
      call.send(...messages);
      const answers = [];
      for (let answer = await call.next(); answer; answer = await call.next()) answers.push(answer);
      return answers;
    };
    const [, ...first] = await run();
    const listed = await corpus.listRecords({ collection: "lost" });
    for (let round = 0; round < 3; round++) {
      const [started, ...again] = await run();
      expect(started).toEqual({ $case: "started", value: { nextChunk: 4n } });
      expect(again).toEqual(first);
    }
    expect((await corpus.listRecords({ collection: "lost" })).records).toEqual(listed.records);
  });

  test("a chunk sent again with other content is refused and changes nothing", async () => {
    const call = await start("changed");
    await call.next();
    await call.ask(chunkMessage(0, records("a")));
    call.send(chunkMessage(0, records("b")));
    expect(await failure(call.next())).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "INGEST_CHUNK_CHANGED",
      metadata: { ingest: "i", chunk: "0" },
    });
    expect(await idsIn("changed")).toEqual(["a"]);
  });

  test("a gap is refused, and chunks after it are not written", async () => {
    const call = await start("gap");
    await call.next();
    call.send(chunkMessage(0, records("a")), chunkMessage(2, records("c")), chunkMessage(1, records("b")));
    expect(await call.next()).toMatchObject({ value: { chunk: 0n } });
    expect(await failure(call.next())).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "INGEST_CHUNK_OUT_OF_ORDER",
      metadata: { ingest: "i", chunk: "2", expected_chunk: "1" },
    });
    expect(await idsIn("gap")).toEqual(["a"]);
  });

  test("a commit that does not fit is refused with both values, and the right one still works", async () => {
    const chunks = chunksOf(2);
    const open = async () => {
      const call = await start("mismatch");
      await call.next();
      return call;
    };
    const first = await open();
    for (const [number, chunk] of chunks.entries()) await first.ask(chunkMessage(number, chunk));
    first.send(commitMessage(chunks.slice(0, 1)));
    expect(await failure(first.next())).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "INGEST_COMMIT_MISMATCH",
      metadata: { ingest: "i", expected: "1", actual: "2" },
    });
    const second = await open();
    second.send(commitMessage([chunks[0] ?? [], records("x", "y", "z")]));
    expect(await failure(second.next())).toMatchObject({
      reason: "INGEST_COMMIT_MISMATCH",
      message: expect.stringContaining("digest"),
    });
    const third = await open();
    expect(await third.ask(commitMessage(chunks))).toMatchObject({ $case: "committed" });
    const fourth = await open();
    fourth.send(chunkMessage(2, records("late")));
    expect(await failure(fourth.next())).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "INGEST_CLOSED",
      metadata: { ingest: "i", state: "committed" },
    });
    expect(await idsIn("mismatch")).toHaveLength(6);
  });

  test("an empty ingest can be committed", async () => {
    const call = await start("empty");
    await call.next();
    expect(await call.ask(commitMessage([]))).toMatchObject({ value: { recordCount: 0n, keptCount: 0n } });
  });

  test("ids of ingests that begin alike do not meet", async () => {
    const [one, other] = [await start("alike", "a"), await start("alike", "a/0")];
    await Promise.all([one.next(), other.next()]);
    await one.ask(chunkMessage(0, records("one")));
    await other.ask(chunkMessage(0, records("other")));
    await one.ask(chunkMessage(1, records("two")));
    expect(await one.ask(commitMessage([records("one"), records("two")]))).toMatchObject({ $case: "committed" });
    expect(await other.ask(commitMessage([records("other")]))).toMatchObject({ $case: "committed" });
  });

  test.each(["end", "cancel"] as const)(
    "a stream that breaks off (%s) leaves whole chunks and an open ingest",
    async (how) => {
      const chunks = chunksOf(6);
      const collection = `broken-${how}`;
      const call = await start(collection);
      await call.next();
      for (const [number, chunk] of chunks.slice(0, 3).entries()) await call.ask(chunkMessage(number, chunk));
      call[how]();
      if (how === "end") expect(await call.next()).toBeUndefined();
      else await expect(call.next()).rejects.toThrow();
      expect(await idsIn(collection)).toEqual(
        chunks
          .slice(0, 3)
          .flat()
          .map(({ id }) => id),
      );
      const again = await start(collection);
      expect(await again.next()).toEqual({ $case: "started", value: { nextChunk: 3n } });
      again.send(...chunks.slice(3).map((chunk, number) => chunkMessage(number + 3, chunk)), commitMessage(chunks));
      for (let number = 3; number < 6; number++) expect(await again.next()).toMatchObject({ $case: "acknowledged" });
      expect(await again.next()).toMatchObject({ $case: "committed", value: { recordCount: 18n } });
      expect(await idsIn(collection)).toEqual(chunks.flat().map(({ id }) => id));
    },
  );

  test("a cancel while chunks are on the way leaves each of them whole or not at all", async () => {
    const chunks = chunksOf(40);
    for (const [round, patience] of [1, 3, 7].entries()) {
      const collection = `cut-${round}`;
      const call = await start(collection);
      call.send(...chunks.map((chunk, number) => chunkMessage(number, chunk)));
      for (let count = 0; count <= patience; count++) await call.next();
      call.cancel();
      await expect(call.next()).rejects.toThrow();
      const again = await start(collection);
      const started = await again.next();
      const nextChunk = started?.$case === "started" ? Number(started.value.nextChunk) : 0;
      expect(nextChunk).toBeGreaterThanOrEqual(patience);
      expect(await idsIn(collection)).toEqual(
        chunks
          .slice(0, nextChunk)
          .flat()
          .map(({ id }) => id),
      );
      again.end();
    }
  });

  test("of two streams with one ingest id the later one goes on", async () => {
    const first = await start("two");
    await first.next();
    await first.ask(chunkMessage(0, records("a")));
    const second = await start("two");
    expect(await second.next()).toEqual({ $case: "started", value: { nextChunk: 1n } });
    first.send(chunkMessage(1, records("first")));
    expect(await failure(first.next())).toMatchObject({
      code: Status.ABORTED,
      reason: "CONFLICT",
      message: expect.stringContaining("another stream"),
    });
    expect(await second.ask(chunkMessage(1, records("second")))).toMatchObject({ value: { keptCount: 1 } });
    expect(await second.ask(commitMessage([records("a"), records("second")]))).toMatchObject({ $case: "committed" });
    expect(await idsIn("two")).toEqual(["a", "second"]);
  });

  test("streams with one ingest id and the same chunks leave each chunk once", async () => {
    const chunks = chunksOf(10);
    const calls = await Promise.all(Array.from({ length: 4 }, () => start("crowd")));
    for (const call of calls)
      call.send(...chunks.map((chunk, number) => chunkMessage(number, chunk)), commitMessage(chunks));
    const ends = await Promise.allSettled(
      calls.map(async (call) => {
        for (let answer = await call.next(); answer; answer = await call.next());
      }),
    );
    expect(ends.some(({ status }) => status === "fulfilled")).toBe(true);
    expect(await idsIn("crowd")).toEqual(chunks.flat().map(({ id }) => id));
  });

  test("ingests and upserts into one collection do not hurt each other", async () => {
    const chunks = chunksOf(10);
    const ingest = async (ingestId: string) => {
      const call = await start("shared", ingestId);
      call.send(...chunks.map((chunk, number) => chunkMessage(number, chunk)), commitMessage(chunks));
      for (let answer = await call.next(); answer; answer = await call.next());
    };
    const upserts = chunks.map((chunk) => corpus.upsertRecords({ collection: "shared", records: chunk }));
    await Promise.all([ingest("one"), ingest("two"), ...upserts]);
    expect(await idsIn("shared")).toEqual(chunks.flat().map(({ id }) => id));
  });

  test("tenants have their own ingests", async () => {
    const system = server.client(TokenServiceDefinition, server.systemToken);
    const { secret } = await system.createToken({ tenant: "stranger", scopes: ["corpus.write"] });
    const own = await start("tenants");
    await own.next();
    await own.ask(chunkMessage(0, records("a")));
    own.end();
    const stranger = await start("tenants", "i", server.client(CorpusServiceDefinition, secret));
    expect(await stranger.next()).toEqual({ $case: "started", value: { nextChunk: 0n } });
    stranger.end();
    expect(await idsIn("tenants")).toEqual(["a"]);
  });

  test.each([
    ["a chunk first", [chunkMessage(0, records("a"))], ["message"]],
    ["nothing in the message", [{}], ["message"]],
    ["two starts", [startMessage("refused", "i"), startMessage("refused", "i")], ["message"]],
    ["a bad collection", [startMessage("Refused!", "i")], ["collection"]],
    ["no ingest id", [startMessage("refused", "")], ["ingest_id"]],
    ["an ingest id of 129 bytes", [startMessage("refused", "x".repeat(129))], ["ingest_id"]],
    ["an ingest id with a line feed", [startMessage("refused", "a\n")], ["ingest_id"]],
    ["an empty chunk", [startMessage("refused", "i"), chunkMessage(0, [])], ["records"]],
  ])("%s is refused", async (_name, messages, fields) => {
    const call = new IngestCall(corpus);
    call.send(...messages);
    const ended = async () => {
      for (let answer = await call.next(); answer; answer = await call.next());
    };
    expect(await failure(ended())).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: "FIELD_INVALID", fields });
  });

  test("limits of a chunk: 500 records and 4 MiB, and one more ends the ingest without it", async () => {
    const numbered = (count: number) => records(...Array.from({ length: count }, (_, number) => `r${number}`));
    const half = (id: string, more = 0) => ({
      id,
      fieldsJson: `{"a":"${"x".repeat(limits.chunk_bytes / 2 - 9 + more)}"}`,
    });
    const call = await start("limits", "x".repeat(limits.ingest_id_bytes));
    await call.next();
    expect(await call.ask(chunkMessage(0, numbered(500)))).toMatchObject({ value: { keptCount: 500 } });
    expect(await call.ask(chunkMessage(1, [half("a"), half("b")]))).toMatchObject({ value: { keptCount: 2 } });
    call.send(chunkMessage(2, numbered(501)));
    const over = (limit: string) => ({ reason: "LIMIT_EXCEEDED", metadata: { limit } });
    expect(await failure(call.next())).toMatchObject(over("chunk_records"));
    const again = await start("limits", "x".repeat(limits.ingest_id_bytes));
    expect(await again.next()).toMatchObject({ value: { nextChunk: 2n } });
    again.send(chunkMessage(2, [half("c"), half("d", 1)]));
    expect(await failure(again.next())).toMatchObject(over("chunk_bytes"));
    expect(await idsIn("limits")).toHaveLength(502);
  });
});

describe("IngestRecords across a restart", () => {
  test("a server that stops ends the stream after what is under way; the ingest goes on after the start", async () => {
    await using first = await startTestServer({ configuration: { store: "rocksdb" } });
    const chunks = chunksOf(20);
    const call = new IngestCall(first.client(CorpusServiceDefinition));
    call.send(startMessage("docs", "i"), ...chunks.slice(0, 10).map((chunk, number) => chunkMessage(number, chunk)));
    await call.next();
    let acknowledged = 0;
    const reading = (async () => {
      for (let answer = await call.next(); answer; answer = await call.next()) acknowledged += 1;
    })();
    await Promise.all([reading, first.service.close()]);
    await using second = await startTestServer({
      configuration: { store: "rocksdb" },
      dataDirectory: first.dataDirectory,
    });
    const again = new IngestCall(second.client(CorpusServiceDefinition));
    const started = await again.ask(startMessage("docs", "i"));
    const nextChunk = started?.$case === "started" ? Number(started.value.nextChunk) : -1;
    expect(nextChunk).toBe(acknowledged);
    again.send(...chunks.map((chunk, number) => chunkMessage(number, chunk)).slice(nextChunk), commitMessage(chunks));
    for (let number = nextChunk; number < 20; number++) await again.next();
    expect(await again.next()).toMatchObject({ $case: "committed", value: { recordCount: 60n, keptCount: 60n } });
  });
});
