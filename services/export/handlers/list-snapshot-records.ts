import type {
  ListSnapshotRecordsRequest,
  ListSnapshotRecordsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { decodePosition, encodePosition } from "../../kit/number-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { listSnapshotRecords as command } from "../commands/list-snapshot-records.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListSnapshotRecordsRequest, call: Call) => Promise<ListSnapshotRecordsResponse>;

export function listSnapshotRecords(context: ExportContext): Handler {
  return async ({ snapshot, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    const scope = { tenant, method: "ListSnapshotRecords", fields: [snapshot] };
    const firstSample = decodePosition(context.pageTokens.read(scope, pageToken));
    const list = { snapshot, limit: pageSize(request.pageSize), firstSample };
    const { records, next } = await command(context, tenant, list);
    return { records, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, encodePosition(next)) };
  };
}
