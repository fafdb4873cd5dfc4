import type {
  ListSnapshotDeletionsRequest,
  ListSnapshotDeletionsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { listSnapshotDeletions as command } from "../commands/list-snapshot-deletions.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListSnapshotDeletionsRequest, call: Call) => Promise<ListSnapshotDeletionsResponse>;

export function listSnapshotDeletions(context: ExportContext): Handler {
  return async ({ snapshot, afterRevision, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    const scope = { tenant, method: "ListSnapshotDeletions", fields: [snapshot, afterRevision] };
    const position = await readPosition(context, scope, pageToken);
    const list = { snapshot, afterRevision, limit: pageSize(request.pageSize), ...position };
    const { deletions, next } = await command(context, tenant, list);
    const { at } = position;
    return { deletions, nextPageToken: nextPageToken(context, scope, at, next), throughRevision: at };
  };
}
