import type { CorpusServiceImplementation } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { ExportContext } from "./context.ts";
import { deleteRecords } from "./handlers/delete-records.ts";
import { getRecord } from "./handlers/get-record.ts";
import { ingestRecords } from "./handlers/ingest-records.ts";
import { listCollections } from "./handlers/list-collections.ts";
import { listRecords } from "./handlers/list-records.ts";
import { upsertRecords } from "./handlers/upsert-records.ts";

/** Every method of `CorpusService` with its handler. */
export function corpusService(context: ExportContext): CorpusServiceImplementation<CallExtension> {
  return {
    upsertRecords: upsertRecords(context),
    getRecord: getRecord(context),
    listRecords: listRecords(context),
    deleteRecords: deleteRecords(context),
    listCollections: listCollections(context),
    ingestRecords: ingestRecords(context),
  };
}
