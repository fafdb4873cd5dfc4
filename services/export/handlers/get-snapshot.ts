import type { GetSnapshotRequest, GetSnapshotResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { getSnapshot as command } from "../commands/get-snapshot.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: GetSnapshotRequest, call: Call) => Promise<GetSnapshotResponse>;

export function getSnapshot(context: ExportContext): Handler {
  return async ({ snapshot }, { caller }) => ({ snapshot: await command(context, caller.tenant, snapshot) });
}
