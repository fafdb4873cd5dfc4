import type { ListLossesRequest, ListLossesResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { listLosses as command } from "../commands/list-losses.ts";
import type { ExportContext } from "../context.ts";
import { checkRunId } from "../runs/run-id.ts";

type Handler = (request: ListLossesRequest, call: Call) => Promise<ListLossesResponse>;

const DEFAULT_LOSSES = 1000;

export function listLosses(context: ExportContext): Handler {
  return async ({ run, epoch, pageSize, pageToken }, { caller }) => {
    checkRunId(run);
    const { tenant } = caller;
    const scope = { tenant, method: "ListLosses", fields: [run, String(epoch)] };
    const position = context.pageTokens.read(scope, pageToken);
    const firstIndex = position === undefined ? 0 : Number(Buffer.from(position).readBigUInt64BE());
    const page = await command(context, tenant, { run, epoch, limit: limitOf(pageSize), firstIndex });
    const { indices, losses, next } = page;
    return { indices, losses, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, uint64(next)) };
  };
}

function limitOf(pageSize: number): number {
  if (pageSize < 0) throw fieldInvalid("page_size", String(pageSize), `0 to ${limits.call_losses}`);
  return pageSize === 0 ? DEFAULT_LOSSES : Math.min(pageSize, limits.call_losses);
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
