import type { GetRecordRequest, GetRecordResponse } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import * as command from "../commands/get-record.ts";
import type { ExportContext } from "../context.ts";
import { checkCollectionName, checkRecordId } from "../corpus/request-checks.ts";

type Handler = (request: GetRecordRequest, call: Call) => Promise<GetRecordResponse>;

export function getRecord(context: ExportContext): Handler {
  return async ({ collection, id, revision }, { caller }) => {
    checkCollectionName(collection);
    checkRecordId("id", id);
    return { record: await command.getRecord(context, caller.tenant, collection, id, revision) };
  };
}
