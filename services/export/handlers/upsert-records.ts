import type {
  UpsertRecordsRequest,
  UpsertRecordsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import * as command from "../commands/upsert-records.ts";
import type { ExportContext } from "../context.ts";
import { checkAll, checkChunkSize } from "../corpus/check-records.ts";
import { checkCollectionName } from "../corpus/request-checks.ts";

type Handler = (request: UpsertRecordsRequest, call: Call) => Promise<UpsertRecordsResponse>;

export function upsertRecords(context: ExportContext): Handler {
  return async ({ collection, records }, { caller }) => {
    checkCollectionName(collection);
    checkChunkSize(records);
    const checked = await checkAll(context.fields, records);
    const { head, unchangedCount } = await command.upsertRecords(context, caller.tenant, collection, checked);
    const ids = checked.map(({ id }) => id);
    return { revision: head.revision, commitTime: toTimestamp(head.time), ids, unchangedCount };
  };
}
