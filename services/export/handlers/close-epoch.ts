import type { CloseEpochRequest, CloseEpochResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { closeEpoch as command } from "../commands/close-epoch.ts";
import type { ExportContext } from "../context.ts";
import { planMessage } from "../plan/plan-message.ts";

type Handler = (request: CloseEpochRequest, call: Call) => Promise<CloseEpochResponse>;

export function closeEpoch(context: ExportContext): Handler {
  return async ({ run, epoch, lease }, { caller }) => {
    checkRunId(run);
    return { plan: planMessage(await command(context, caller.tenant, { run, lease, epoch })) };
  };
}
