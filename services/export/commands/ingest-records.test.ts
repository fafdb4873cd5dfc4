import { describe, expect, test } from "vitest";
import { IngestRecordsRequest } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { chunkMessage, commitMessage } from "../../../test/support/ingest.ts";
import { limits } from "../../kit/limits.ts";
import { createLog } from "../../kit/log.ts";
import { openStore } from "../../store/open-store.ts";
import { prefixRange } from "../../store/range.ts";
import type { Micros, Revision, Store } from "../../store/store.ts";
import { FieldsWorker } from "../corpus/fields-worker.ts";
import { sweepIngests } from "../corpus/ingest-sweeper.ts";
import { openIngests } from "../corpus/ingests.ts";
import { idOf } from "../corpus/stored-record.ts";
import { recordKey } from "../keys.ts";
import { type IngestAnswer, type IngestMessage, ingestRecords } from "./ingest-records.ts";

const idle = BigInt(limits.ingest_idle_seconds) * 1_000_000n;

class ManualClock {
  time: Micros = 1_000_000_000_000_000n;

  now(): Micros {
    return this.time;
  }
}

async function openCorpus() {
  const clock = new ManualClock();
  const store = await openStore({ kind: "memory" }, clock);
  return { store, clock, fields: new FieldsWorker(), [Symbol.asyncDispose]: () => store.close() };
}

type Corpus = Awaited<ReturnType<typeof openCorpus>>;

function message(sent: ReturnType<typeof chunkMessage>): IngestMessage {
  return IngestRecordsRequest.fromPartial(sent).message as IngestMessage;
}

async function* each(...messages: ReturnType<typeof chunkMessage>[]): AsyncGenerator<IngestMessage> {
  for (const one of messages) yield message(one);
}

function ingest(
  corpus: Corpus,
  ingestId: string,
  messages: AsyncIterator<IngestMessage>,
  signal = new AbortController().signal,
) {
  return ingestRecords(corpus, { tenant: 1, collection: 1, ingestId }, messages, signal);
}

const records = (...ids: string[]) => ids.map((id) => ({ id, fieldsJson: `{"id":"${id}"}` }));

describe("an ingest that is idle", () => {
  test("is open for ten minutes, then abandoned", async () => {
    await using corpus = await openCorpus();
    await Array.fromAsync(ingest(corpus, "i", each(chunkMessage(0, records("a")))));
    corpus.clock.time += idle;
    expect(await openIngests(corpus, 1, 1)).toEqual(["i"]);
    corpus.clock.time += 1n;
    expect(await openIngests(corpus, 1, 1)).toEqual([]);
    await expect(Array.fromAsync(ingest(corpus, "i", each()))).rejects.toMatchObject({
      reason: "INGEST_CLOSED",
      metadata: { ingest: "i", state: "abandoned" },
    });
    corpus.clock.time -= idle;
    await expect(Array.fromAsync(ingest(corpus, "i", each()))).rejects.toMatchObject({ reason: "INGEST_CLOSED" });
    expect(await openIngests(corpus, 1, 1)).toEqual([]);
  });

  test("lives on with every message of its stream", async () => {
    await using corpus = await openCorpus();
    const chunks = ["a", "b", "c"].map((id) => records(id));
    async function* slow(): AsyncGenerator<IngestMessage> {
      for (const [number, chunk] of chunks.entries()) {
        corpus.clock.time += idle;
        yield message(chunkMessage(number, chunk));
        corpus.clock.time += idle;
        yield message(chunkMessage(number, chunk));
      }
      yield message(commitMessage(chunks));
    }
    const answers = await Array.fromAsync(ingest(corpus, "i", slow()));
    expect(answers.map(({ $case }) => $case)).toEqual(["started", ...Array(6).fill("acknowledged"), "committed"]);
    expect(await openIngests(corpus, 1, 1)).toEqual([]);
  });

  test("is abandoned although its stream is open", async () => {
    await using corpus = await openCorpus();
    async function* late(): AsyncGenerator<IngestMessage> {
      yield message(chunkMessage(0, records("a")));
      corpus.clock.time += idle + 1n;
      yield message(chunkMessage(1, records("b")));
    }
    const answers: IngestAnswer[] = [];
    const reading = (async () => {
      for await (const answer of ingest(corpus, "i", late())) answers.push(answer);
    })();
    await expect(reading).rejects.toMatchObject({ reason: "INGEST_CLOSED", metadata: { state: "abandoned" } });
    expect(await idsOf(corpus)).toEqual(["a"]);
  });
});

describe("the bookkeeping of an ingest", () => {
  const sevenDays = 7n * 24n * 3_600n * 1_000_000n;

  test.each([
    ["committed", [commitMessage([records("a"), records("b")])]],
    ["left open", []],
  ])("is removed seven days after its last message, once %s", async (_, last) => {
    await using corpus = await openCorpus();
    const messages = [chunkMessage(0, records("a")), chunkMessage(1, records("b")), ...last];
    const answers = await Array.fromAsync(ingest(corpus, "i", each(...messages)));
    corpus.clock.time += sevenDays;
    await sweep(corpus);
    if (last.length > 0)
      expect(await Array.fromAsync(ingest(corpus, "i", each(...messages)))).toHaveLength(answers.length);
    expect((await bookkeeping(corpus)).length).toBeGreaterThan(2);
    corpus.clock.time += 1n;
    await sweep(corpus);
    expect([await bookkeeping(corpus), await idsOf(corpus)]).toEqual([[], ["a", "b"]]);
  });

  test("is removed of that ingest alone", async () => {
    await using corpus = await openCorpus();
    const message = chunkMessage(0, records("a"));
    for (const id of ["i", "i/", "j"]) await Array.fromAsync(ingest(corpus, id, each(message)));
    const before = await bookkeeping(corpus);
    corpus.clock.time += sevenDays + 1n;
    await Array.fromAsync(ingest(corpus, "new", each(message)));
    await sweep(corpus);
    const after = await bookkeeping(corpus);
    expect([before.length, after.length]).toEqual([9, 3]);
    expect(await openIngests(corpus, 1, 1)).toEqual(["new"]);
  });
});

describe("chunks on the way", () => {
  test("an id in many of them keeps its create_time, and the last content", async () => {
    await using corpus = await openCorpus();
    const contents = ["0", "1", "2", "3", "4", "5", "5", "6"];
    async function* ticking(): AsyncGenerator<IngestMessage> {
      for (const [number, content] of contents.entries()) {
        corpus.clock.time += 1n;
        yield message(chunkMessage(number, [{ id: "a", fieldsJson: `{"n":${content}}` }]));
      }
    }
    const answers = await Array.fromAsync(ingest(corpus, "i", ticking()));
    const acknowledged = answers.map((answer) => (answer.$case === "acknowledged" ? answer.value : undefined));
    expect(acknowledged.slice(1).map((answer) => answer?.unchangedCount)).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
    const first = await recordAt(corpus, "a", acknowledged[1]?.revision);
    const last = await recordAt(corpus, "a");
    expect(last.createTimeMicros).toBe(first.createTimeMicros);
    expect(last.updateTimeMicros).toBeGreaterThan(first.updateTimeMicros);
    expect(Buffer.from(last.fieldsJson).toString()).toBe('{"n":6}');
  });

  test("are not written once the caller is gone", async () => {
    await using corpus = await openCorpus();
    const gone = new AbortController();
    const held = holdCommits(corpus.store);
    const messages = ["a", "b", "c", "d"].map((id, number) => chunkMessage(number, records(id)));
    const call = ingest({ ...corpus, store: held.store }, "i", each(...messages), gone.signal);
    held.release(1);
    await call.next();
    const first = call.next();
    await held.reached(2);
    gone.abort();
    held.release(Number.POSITIVE_INFINITY);
    expect(await first).toMatchObject({ value: { $case: "acknowledged", value: { chunk: 0n } } });
    await expect(call.next()).rejects.toThrow();
    expect(await idsOf(corpus)).toEqual(["a"]);
  });
});

/** The same store, whose commits wait until they are released. */
function holdCommits(store: Store) {
  let calls = 0;
  let released = 0;
  const waiting: (() => void)[] = [];
  const reached = new Map<number, PromiseWithResolvers<void>>();
  const reachedAt = (count: number) => {
    const known = reached.get(count) ?? Promise.withResolvers<void>();
    reached.set(count, known);
    return known;
  };
  const commit: Store["commit"] = async (...args) => {
    calls += 1;
    reachedAt(calls).resolve();
    if (calls > released) await new Promise<void>((resolve) => waiting.push(resolve));
    return store.commit(...args);
  };
  const held = new Proxy(store, {
    get: (target, name) => (name === "commit" ? commit : Reflect.get(target, name, target).bind?.(target)),
  });
  return {
    store: held,
    reached: (count: number) => reachedAt(count).promise,
    release(count: number) {
      released = count;
      for (const wake of waiting.splice(0)) wake();
    },
  };
}

function sweep({ store, clock }: Corpus): Promise<void> {
  const options = { store, clock, log: createLog("silent"), tenants: async () => [1] };
  return sweepIngests(options, new AbortController().signal);
}

async function bookkeeping({ store }: Corpus): Promise<string[]> {
  const pages = ["ingest/", "open-ingest/", "chunk/"].map((prefix) => store.scan(1, prefixRange(Buffer.from(prefix))));
  return (await Promise.all(pages)).flatMap(({ entries }) =>
    entries.map(({ key }) => Buffer.from(key).toString("latin1")),
  );
}

async function idsOf({ store }: Corpus): Promise<string[]> {
  const { entries } = await store.scan(1, prefixRange(recordKey(1, "")));
  return entries.map(idOf);
}

async function recordAt({ store }: Corpus, id: string, at?: Revision): Promise<StoredRecord> {
  const entry = await store.get(1, recordKey(1, id), at);
  return StoredRecord.decode(entry?.value ?? new Uint8Array());
}
