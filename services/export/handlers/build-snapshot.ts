import type {
  BuildSnapshotRequest,
  BuildSnapshotResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { buildSnapshot as command } from "../commands/build-snapshot.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: BuildSnapshotRequest, call: Call) => Promise<BuildSnapshotResponse>;

export function buildSnapshot(context: ExportContext): Handler {
  return async ({ source, ttlSeconds }, { caller }) => {
    if (source?.source === undefined || source.source.$case === "snapshot") {
      throw fieldInvalid("source", source?.source?.$case ?? "", "a dataset or a spec");
    }
    if (ttlSeconds === 0) throw fieldInvalid("ttl_seconds", "0", "at least 1 second, or nothing to keep the snapshot");
    return { snapshot: await command(context, caller.tenant, source, ttlSeconds) };
  };
}
