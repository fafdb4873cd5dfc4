import type {
  HoldSnapshotsRequest,
  HoldSnapshotsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { holdSnapshots as command } from "../commands/hold-snapshots.ts";
import type { ExportContext } from "../context.ts";
import { checkHolder, readSnapshotKeys } from "../snapshot/hold-fields.ts";

type Handler = (request: HoldSnapshotsRequest, call: Call) => Promise<HoldSnapshotsResponse>;

export function holdSnapshots(context: ExportContext): Handler {
  return async ({ holder, snapshots, timeToLiveSeconds }, { caller }) => {
    checkHolder(holder);
    const keys = readSnapshotKeys(snapshots);
    await command(context, caller.tenant, { holder, snapshots: keys, ttlSeconds: timeToLiveSeconds });
    return {};
  };
}
