import type {
  ReleaseSnapshotsRequest,
  ReleaseSnapshotsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { releaseSnapshots as command } from "../commands/release-snapshots.ts";
import type { ExportContext } from "../context.ts";
import { checkHolder } from "../snapshot/hold-fields.ts";

type Handler = (request: ReleaseSnapshotsRequest, call: Call) => Promise<ReleaseSnapshotsResponse>;

export function releaseSnapshots(context: ExportContext): Handler {
  return async ({ holder }, { caller }) => {
    checkHolder(holder);
    await command(context, caller.tenant, holder);
    return {};
  };
}
