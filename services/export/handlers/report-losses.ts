import type { ReportLossesRequest, ReportLossesResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { reportLosses as command } from "../commands/report-losses.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ReportLossesRequest, call: Call) => Promise<ReportLossesResponse>;

export function reportLosses(context: ExportContext): Handler {
  return async ({ run, epoch, indices, losses, lease }, { caller }) => {
    checkRunId(run);
    if (indices.length > limits.call_losses) {
      throw limitExceeded("call_losses", indices.length, "The number of losses");
    }
    if (losses.length !== indices.length) {
      throw fieldInvalid("losses", `${losses.length} losses`, `${indices.length} losses, one for each index`);
    }
    const report = { run, lease, epoch, indices, losses };
    return { leaseExpireTime: toTimestamp(await command(context, caller.tenant, report)) };
  };
}
