import type {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import * as command from "../commands/delete-records.ts";
import type { ExportContext } from "../context.ts";
import { checkCollectionName, checkCount, checkRecordId } from "../corpus/request-checks.ts";

type Handler = (request: DeleteRecordsRequest, call: Call) => Promise<DeleteRecordsResponse>;

export function deleteRecords(context: ExportContext): Handler {
  return async ({ collection, ids }, { caller }) => {
    checkCollectionName(collection);
    checkCount("ids", ids.length);
    for (const [index, id] of ids.entries()) checkRecordId(`ids[${index}]`, id);
    return command.deleteRecords(context, caller.tenant, collection, ids);
  };
}
