import type { ListRecordsRequest, ListRecordsResponse } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { Slices } from "../../kit/slices.ts";
import type { Entry } from "../../store/store.ts";
import * as command from "../commands/list-records.ts";
import type { ExportContext } from "../context.ts";
import { checkCollectionName } from "../corpus/request-checks.ts";
import { toRecord } from "../corpus/stored-record.ts";

type Handler = (request: ListRecordsRequest, call: Call) => Promise<ListRecordsResponse>;

export function listRecords(context: ExportContext): Handler {
  return async ({ collection, idPrefix, revision, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    checkCollectionName(collection);
    checkIdPrefix(idPrefix);
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListRecords", fields: [collection, idPrefix, revision] };
    const position = await readPosition(context, scope, pageToken, revision);
    const list = { collection, idPrefix, limit, ...position };
    const { entries, next } = await command.listRecords(context, tenant, list);
    const { at } = position;
    return { records: await toRecords(entries), nextPageToken: nextPageToken(context, scope, at, next), revision: at };
  };
}

function checkIdPrefix(prefix: string): void {
  if (Buffer.byteLength(prefix) > limits.record_id_bytes) {
    throw fieldInvalid("id_prefix", prefix, `at most ${limits.record_id_bytes} bytes (record_id_bytes)`);
  }
}

async function toRecords(entries: readonly Entry[]): Promise<Record[]> {
  const records: Record[] = [];
  const slices = new Slices();
  for (const entry of entries) {
    records.push(toRecord(entry));
    await slices.done(entry.value.length);
  }
  return records;
}
