import type { RenewRunRequest, RenewRunResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { renewRun as command } from "../commands/renew-run.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: RenewRunRequest, call: Call) => Promise<RenewRunResponse>;

export function renewRun(context: ExportContext): Handler {
  return async ({ run, lease }, { caller }) => {
    checkRunId(run);
    return { leaseExpireTime: toTimestamp(await command(context, caller.tenant, { run, lease })) };
  };
}
