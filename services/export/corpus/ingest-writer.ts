import { createHash } from "node:crypto";
import {
  IngestRecordsResponse_Acknowledged as Acknowledged,
  type IngestRecordsRequest_Commit as Commit,
  type IngestRecordsResponse_Committed as Committed,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import {
  StoredIngest_State as State,
  StoredChunk,
  StoredIngest,
} from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import {
  type Expectation,
  type Micros,
  type Mutation,
  type Revision,
  StoreError,
  type TenantId,
} from "../../store/store.ts";
import { chunkKey, ingestKey, openIngestKey } from "../keys.ts";
import type { CorpusContext } from "./corpus-context.ts";
import { chunkChanged, chunkOutOfOrder, commitMismatch, continuedElsewhere, ingestClosed } from "./ingest-errors.ts";
import { isIdle, storedChunks } from "./ingests.ts";
import { planWrites, type WritePlan } from "./plan-writes.ts";
import type { PreparedChunk } from "./prepare-chunk.ts";
import { RecentWrites } from "./recent-writes.ts";

export interface IngestName {
  readonly tenant: TenantId;
  readonly collection: number;
  readonly ingestId: string;
}

/**
 * Writes one ingest, call after call. Every commit expects the ingest as this writer left it:
 * of two writers of one ingest, the one that started last goes on and the other gets CONFLICT.
 */
export class IngestWriter {
  readonly #context: CorpusContext;
  readonly #name: IngestName;
  #ingest: StoredIngest;
  /** Where `#ingest` was written; 0 before it is. */
  #revision: Revision;
  readonly #recent = new RecentWrites();

  private constructor(context: CorpusContext, name: IngestName, ingest: StoredIngest, revision: Revision) {
    this.#context = context;
    this.#name = name;
    this.#ingest = ingest;
    this.#revision = revision;
  }

  /** Begins the ingest or takes it over. Throws INGEST_CLOSED where it was abandoned; of a committed one, all can be asked again. */
  static start(context: CorpusContext, name: IngestName): Promise<IngestWriter> {
    return retryAborted(async () => {
      const now = context.clock.now();
      const entry = await context.store.get(name.tenant, ingestKey(name.collection, name.ingestId));
      const ingest = entry ? StoredIngest.decode(entry.value) : newIngest(now);
      const writer = new IngestWriter(context, name, ingest, entry?.revision ?? 0n);
      await writer.#heard(now);
      if (ingest.state === State.STATE_OPEN) await writer.#save([], {});
      return writer;
    });
  }

  get nextChunk(): bigint {
    return this.#ingest.nextChunk;
  }

  /** What writing the chunk takes; may be asked while the chunks before it are being written. */
  plan({ kept }: PreparedChunk): Promise<WritePlan> {
    return planWrites(this.#context, this.#name.tenant, this.#name.collection, kept);
  }

  /**
   * Stores the chunk's good records in one commit, or repeats the answer for a chunk that was stored before.
   * @param heard when the chunk came
   */
  async write(chunk: PreparedChunk, plan: WritePlan, heard: Micros): Promise<Acknowledged> {
    await this.#heard(heard);
    const { nextChunk, state } = this.#ingest;
    if (chunk.number < nextChunk) return this.#repeat(chunk);
    if (state === State.STATE_COMMITTED) throw ingestClosed(this.#name.ingestId, "committed");
    if (chunk.number > nextChunk) throw chunkOutOfOrder(this.#name.ingestId, chunk.number, nextChunk);
    let current = this.#recent.outdate(plan, chunk.kept) ? undefined : plan;
    const answer = await retryAborted(async () => {
      const used = current ?? (await this.plan(chunk));
      current = undefined;
      return this.#store(chunk, used, heard);
    });
    this.#recent.add(chunk.kept, answer.revision);
    return answer;
  }

  /** Closes the ingest. Repeats the answer where it was closed by an equal commit before. */
  async commit(commit: Commit, heard: Micros): Promise<Committed> {
    await this.#heard(heard);
    await this.#compare(commit);
    if (this.#ingest.state === State.STATE_OPEN) {
      await this.#saveOurs([], { state: State.STATE_COMMITTED, activeTimeMicros: heard });
    }
    const { recordCount, keptCount } = this.#ingest;
    return { recordCount, keptCount, revision: this.#revision };
  }

  /** A message came: not too late? */
  async #heard(now: Micros): Promise<void> {
    const { state, activeTimeMicros } = this.#ingest;
    if (state === State.STATE_OPEN && isIdle(activeTimeMicros, now)) {
      await this.#save([], { state: State.STATE_ABANDONED });
    }
    if (this.#ingest.state === State.STATE_ABANDONED) throw ingestClosed(this.#name.ingestId, "abandoned");
    this.#ingest = { ...this.#ingest, activeTimeMicros: now };
  }

  async #store(chunk: PreparedChunk, plan: WritePlan, heard: Micros): Promise<Acknowledged> {
    const { collection, ingestId } = this.#name;
    const answer = answerOf(chunk, plan.unchangedCount);
    const value = encoded(StoredChunk, { digest: chunk.digest, acknowledged: encoded(Acknowledged, answer) });
    const put = { put: chunkKey(collection, ingestId, Number(chunk.number)), value };
    const { nextChunk, recordCount, keptCount } = this.#ingest;
    const changes = {
      nextChunk: nextChunk + 1n,
      activeTimeMicros: heard,
      recordCount: recordCount + BigInt(chunk.recordCount),
      keptCount: keptCount + BigInt(chunk.kept.length),
    };
    await this.#saveOurs([...plan.mutations, put], changes, plan.expectations);
    return { ...answer, revision: this.#revision };
  }

  async #repeat(chunk: PreparedChunk): Promise<Acknowledged> {
    const { tenant, collection, ingestId } = this.#name;
    const entry = await this.#context.store.get(tenant, chunkKey(collection, ingestId, Number(chunk.number)));
    const stored = StoredChunk.decode(entry?.value ?? new Uint8Array());
    if (!entry || Buffer.compare(stored.digest, chunk.digest) !== 0) throw chunkChanged(ingestId, chunk.number);
    return { ...Acknowledged.decode(stored.acknowledged), revision: entry.revision };
  }

  async #compare(commit: Commit): Promise<void> {
    const { nextChunk, recordCount } = this.#ingest;
    const pairs = [
      ["chunk_count", commit.chunkCount, nextChunk],
      ["record_count", commit.recordCount, recordCount],
      ["digest", Buffer.from(commit.digest).toString("hex"), await this.#digest()],
    ] as const;
    for (const [what, expected, actual] of pairs) {
      if (expected !== actual) throw commitMismatch(this.#name.ingestId, what, String(expected), String(actual));
    }
  }

  async #digest(): Promise<string> {
    const { tenant, collection, ingestId } = this.#name;
    const count = Number(this.#ingest.nextChunk);
    const hash = createHash("sha256");
    for await (const { value } of storedChunks(this.#context.store, tenant, collection, ingestId, count)) {
      hash.update(StoredChunk.decode(value).digest);
    }
    return hash.digest("hex");
  }

  /** Saves, or throws CONFLICT where another stream took the ingest over. */
  async #saveOurs(
    mutations: readonly Mutation[],
    changes: Partial<StoredIngest>,
    expectations: readonly Expectation[] = [],
  ): Promise<void> {
    const { tenant, collection, ingestId } = this.#name;
    try {
      await this.#save(mutations, changes, expectations);
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
      const entry = await this.#context.store.get(tenant, ingestKey(collection, ingestId));
      throw entry?.revision === this.#revision ? error : continuedElsewhere(ingestId);
    }
  }

  /** Commits the ingest's next state, together with what belongs to it. */
  async #save(
    mutations: readonly Mutation[],
    changes: Partial<StoredIngest>,
    expectations: readonly Expectation[] = [],
  ): Promise<void> {
    const { tenant, collection, ingestId } = this.#name;
    const key = ingestKey(collection, ingestId);
    const ingest = { ...this.#ingest, ...changes };
    const put = { put: key, value: encoded(StoredIngest, ingest) };
    const expected = [{ key, revision: this.#revision }, ...expectations];
    this.#revision = (
      await this.#context.store.commit(tenant, [...mutations, put, ...this.#mark(ingest)], expected)
    ).revision;
    this.#ingest = ingest;
  }

  /** The mark of an open ingest comes with the ingest and goes when it is closed. */
  #mark({ state }: StoredIngest): Mutation[] {
    const key = openIngestKey(this.#name.collection, this.#name.ingestId);
    if (state !== State.STATE_OPEN) return [{ delete: key }];
    return this.#revision === 0n ? [{ put: key, value: new Uint8Array() }] : [];
  }
}

function newIngest(now: Micros): StoredIngest {
  return { state: State.STATE_OPEN, nextChunk: 0n, activeTimeMicros: now, recordCount: 0n, keptCount: 0n };
}

function answerOf({ number, kept, errors }: PreparedChunk, unchangedCount: number): Acknowledged {
  return { chunk: number, revision: 0n, keptCount: kept.length, unchangedCount, errors: [...errors] };
}
