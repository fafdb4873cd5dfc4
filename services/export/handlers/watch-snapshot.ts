import type {
  WatchSnapshotRequest,
  WatchSnapshotResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { watchSnapshot as command } from "../commands/watch-snapshot.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: WatchSnapshotRequest, call: Call) => AsyncGenerator<WatchSnapshotResponse>;

export function watchSnapshot(context: ExportContext): Handler {
  return async function* ({ snapshot }, { caller, signal, drain }) {
    const watched = command(context, { tenant: caller.tenant, snapshot, signal, drain });
    for await (const shown of watched) yield { snapshot: shown };
  };
}
