import type {
  ListSnapshotsRequest,
  ListSnapshotsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import { listSnapshots as command } from "../commands/list-snapshots.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListSnapshotsRequest, call: Call) => Promise<ListSnapshotsResponse>;

export function listSnapshots(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const scope = { tenant, method: "ListSnapshots", fields: [request.dataset] };
    const { snapshots, next } = await command(context, tenant, {
      limit: pageSize(request.pageSize),
      dataset: request.dataset,
      end: context.pageTokens.read(scope, request.pageToken),
    });
    return { snapshots, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, next) };
  };
}
