import type { ListLossesRequest, ListLossesResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { decodePosition, encodePosition } from "../../kit/number-position.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { listLosses as command } from "../commands/list-losses.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListLossesRequest, call: Call) => Promise<ListLossesResponse>;

const DEFAULT_LOSSES = 1000;

export function listLosses(context: ExportContext): Handler {
  return async ({ run, epoch, pageSize, pageToken }, { caller }) => {
    checkRunId(run);
    const { tenant } = caller;
    const scope = { tenant, method: "ListLosses", fields: [run, String(epoch)] };
    const firstIndex = decodePosition(context.pageTokens.read(scope, pageToken));
    const page = await command(context, tenant, { run, epoch, limit: limitOf(pageSize), firstIndex });
    const { indices, losses, next } = page;
    const nextPageToken = next === undefined ? "" : context.pageTokens.make(scope, encodePosition(next));
    return { indices, losses, nextPageToken };
  };
}

function limitOf(pageSize: number): number {
  if (pageSize < 0) throw fieldInvalid("page_size", String(pageSize), `0 to ${limits.call_losses}`);
  return pageSize === 0 ? DEFAULT_LOSSES : Math.min(pageSize, limits.call_losses);
}
