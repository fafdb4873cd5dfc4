import type {
  DeleteSnapshotRequest,
  DeleteSnapshotResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { deleteSnapshot as command } from "../commands/delete-snapshot.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: DeleteSnapshotRequest, call: Call) => Promise<DeleteSnapshotResponse>;

export function deleteSnapshot(context: ExportContext): Handler {
  return async ({ snapshot }, { caller }) => {
    await command(context, caller.tenant, snapshot);
    return {};
  };
}
