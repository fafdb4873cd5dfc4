import type {
  IngestRecordsRequest_Chunk as Chunk,
  IngestRecordsRequest_Commit as Commit,
  IngestRecordsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { mapInOrder } from "../../kit/map-in-order.ts";
import type { Micros } from "../../store/store.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import type { FieldsWorker } from "../corpus/fields-worker.ts";
import { type IngestName, IngestWriter } from "../corpus/ingest-writer.ts";
import { prepareChunk } from "../corpus/prepare-chunk.ts";

export type IngestMessage = { $case: "chunk"; value: Chunk } | { $case: "commit"; value: Commit };

export type IngestAnswer = NonNullable<IngestRecordsResponse["message"]>;

type Write = (heard: Micros) => Promise<IngestAnswer>;

/** Messages that are worked on at once; the next is read when the oldest has its answer. */
const messagesAtOnce = 4;

/**
 * Writes one ingest. Chunks are checked while earlier ones are written, and written one after the other.
 * The end of the messages closes nothing: a call that broke off looks the same.
 * @param signal when aborted, chunks whose writing has not begun are not written
 */
export async function* ingestRecords(
  context: CorpusContext,
  name: IngestName,
  messages: AsyncIterator<IngestMessage>,
  signal: AbortSignal,
): AsyncGenerator<IngestAnswer> {
  const writer = await IngestWriter.start(context, name);
  yield { $case: "started", value: { nextChunk: writer.nextChunk } };
  let before: Promise<unknown> = Promise.resolve();
  const answer = (message: IngestMessage): Promise<IngestAnswer> => {
    const heard = context.clock.now();
    const answered = Promise.all([prepare(context.fields, writer, message), before]).then(([write]) => {
      signal.throwIfAborted();
      return write(heard);
    });
    before = answered;
    return answered;
  };
  for await (const answered of mapInOrder(messages, messagesAtOnce, answer)) {
    yield answered;
    if (answered.$case === "committed") return;
  }
}

/** Does what can be done before the messages before it are written; returns the rest. */
async function prepare(fields: FieldsWorker, writer: IngestWriter, { $case, value }: IngestMessage): Promise<Write> {
  if ($case === "commit") return async (heard) => ({ $case: "committed", value: await writer.commit(value, heard) });
  const chunk = await prepareChunk(fields, value);
  const plan = await writer.plan(chunk);
  return async (heard) => ({ $case: "acknowledged", value: await writer.write(chunk, plan, heard) });
}
