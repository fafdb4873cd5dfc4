import type { SnapshotDeletion } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { DeletedData } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Revision } from "../../store/store.ts";
import type { ExportClient } from "./export-client.ts";

/** What was deleted of a snapshot, as far as it was read. */
export interface ReadDeletions {
  /** Of the export service. */
  readonly throughRevision: Revision;
  /** Undefined where nothing was. */
  readonly deletedData: DeletedData | undefined;
}

/** Deletions that one call lists. */
const PAGE_SIZE = 1000;

/** Reads on from what was read before. Rejects as ExportClient does. */
export async function readDeletions(
  exportClient: ExportClient,
  tenant: string,
  snapshot: string,
  { throughRevision: afterRevision, deletedData }: ReadDeletions,
): Promise<ReadDeletions> {
  let read: ReadDeletions = { throughRevision: afterRevision, deletedData };
  let pageToken = "";
  do {
    const asked = { snapshot, afterRevision, pageSize: PAGE_SIZE, pageToken };
    const page = await exportClient.call(tenant, ({ exports }, call) => exports.listSnapshotDeletions(asked, call));
    read = { throughRevision: page.throughRevision, deletedData: withDeletions(read.deletedData, page.deletions) };
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return read;
}

function withDeletions(
  before: DeletedData | undefined,
  deletions: readonly SnapshotDeletion[],
): DeletedData | undefined {
  if (deletions.length === 0) return before;
  return {
    recordCount: (before?.recordCount ?? 0n) + BigInt(deletions.length),
    firstTime: before?.firstTime ?? deletions[0]?.time,
    lastTime: deletions.at(-1)?.time,
  };
}
