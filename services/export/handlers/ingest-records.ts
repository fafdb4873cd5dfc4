import type {
  IngestRecordsRequest,
  IngestRecordsRequest_Start,
  IngestRecordsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { untilAborted } from "../../kit/until-aborted.ts";
import * as command from "../commands/ingest-records.ts";
import type { ExportContext } from "../context.ts";
import { ensureCollection } from "../corpus/collections.ts";
import { checkCollectionName } from "../corpus/request-checks.ts";

type Handler = (requests: AsyncIterable<IngestRecordsRequest>, call: Call) => AsyncGenerator<IngestRecordsResponse>;

export function ingestRecords(context: ExportContext): Handler {
  return async function* (requests, { caller, signal, drain }) {
    const iterator = untilAborted(requests, drain);
    const first = await iterator.next();
    if (first.done) return;
    const { collection, ingestId } = checkStart(first.value);
    const { tenant } = caller;
    const name = { tenant, collection: await ensureCollection(context, tenant, collection), ingestId };
    for await (const message of command.ingestRecords(context, name, checkRest(iterator), signal)) yield { message };
  };
}

function checkStart({ message }: IngestRecordsRequest): IngestRecordsRequest_Start {
  if (message?.$case !== "start") throw fieldInvalid("message", message?.$case ?? "", "start as the first message");
  const { collection, ingestId } = message.value;
  checkCollectionName(collection);
  const bytes = Buffer.byteLength(ingestId);
  if (bytes === 0 || bytes > limits.ingest_id_bytes || /\p{Cc}/u.test(ingestId)) {
    throw fieldInvalid(
      "ingest_id",
      ingestId,
      `1 to ${limits.ingest_id_bytes} bytes (ingest_id_bytes) without control characters`,
    );
  }
  return message.value;
}

async function* checkRest(requests: AsyncIterator<IngestRecordsRequest>): AsyncGenerator<command.IngestMessage> {
  for (;;) {
    const next = await requests.next();
    if (next.done) return;
    const { message } = next.value;
    if (message?.$case !== "chunk" && message?.$case !== "commit") {
      throw fieldInvalid("message", message?.$case ?? "", "chunk or commit after the first message");
    }
    yield message;
  }
}
