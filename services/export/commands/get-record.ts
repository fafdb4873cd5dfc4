import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { Revision, TenantId } from "../../store/store.ts";
import { findCollection } from "../corpus/collections.ts";
import type { CorpusContext } from "../corpus/corpus-context.ts";
import { shown } from "../corpus/record-problem.ts";
import { toRecord } from "../corpus/stored-record.ts";
import { recordKey } from "../keys.ts";

export async function getRecord(
  context: CorpusContext,
  tenant: TenantId,
  collectionName: string,
  id: string,
  at: Revision | undefined,
): Promise<Record> {
  const collection = await findCollection(context, tenant, collectionName);
  const entry = await context.store.get(tenant, recordKey(collection, id), at);
  if (entry) return toRecord(entry);
  throw new ServiceError("RECORD_NOT_FOUND", `Collection "${collectionName}" has no record ${shown(id)}.`, {
    collection: collectionName,
    record: id,
  });
}
