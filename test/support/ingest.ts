import { createHash } from "node:crypto";
import type { Client } from "nice-grpc";
import type {
  CorpusServiceDefinition,
  DeepPartial,
  IngestRecordsRequest,
  IngestRecordsResponse,
} from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Record } from "../../proto/gen/loraloop/corpus/v1/record.ts";

type Message = DeepPartial<IngestRecordsRequest>;
type Answer = NonNullable<IngestRecordsResponse["message"]>;
type SentRecord = DeepPartial<Record>;

export function startMessage(collection: string, ingestId: string): Message {
  return { message: { $case: "start", value: { collection, ingestId } } };
}

export function chunkMessage(number: number, records: readonly SentRecord[]): Message {
  return { message: { $case: "chunk", value: { number: BigInt(number), records: [...records] } } };
}

/** The commit that fits these chunks. */
export function commitMessage(chunks: readonly (readonly SentRecord[])[]): Message {
  const digest = createHash("sha256");
  for (const chunk of chunks) digest.update(digestOf(chunk));
  const recordCount = BigInt(chunks.flat().length);
  return {
    message: { $case: "commit", value: { chunkCount: BigInt(chunks.length), recordCount, digest: digest.digest() } },
  };
}

function digestOf(records: readonly SentRecord[]): Buffer {
  const digest = createHash("sha256");
  for (const { id, fieldsJson, source, qualityScore, subject, group } of records) {
    for (const part of [id, fieldsJson, source, qualityScore, subject, group]) {
      const bytes = Buffer.from(String(part ?? ""));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      digest.update(length).update(bytes);
    }
  }
  return digest.digest();
}

/** One IngestRecords call, message by message. */
export class IngestCall {
  readonly #queue: Message[] = [];
  readonly #abort = new AbortController();
  readonly #answers: AsyncIterator<IngestRecordsResponse>;
  #wake: () => void = () => {};
  #ended = false;

  constructor(client: Client<CorpusServiceDefinition>) {
    const calls = client.ingestRecords(this.#messages(), { signal: this.#abort.signal });
    this.#answers = calls[Symbol.asyncIterator]();
  }

  send(...messages: Message[]): void {
    this.#queue.push(...messages);
    this.#wake();
  }

  /** The next answer; undefined at the end. Rejects with the call's error. */
  async next(): Promise<Answer | undefined> {
    const { value, done } = await this.#answers.next();
    return done === true ? undefined : value.message;
  }

  async ask(message: Message): Promise<Answer | undefined> {
    this.send(message);
    return this.next();
  }

  /** No more messages. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  cancel(): void {
    this.#abort.abort();
    this.end();
  }

  async *#messages(): AsyncGenerator<Message> {
    for (;;) {
      const message = this.#queue.shift();
      if (message) yield message;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
