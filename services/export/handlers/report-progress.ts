import type {
  ReportProgressRequest,
  ReportProgressResponse,
} from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { reportProgress as command } from "../commands/report-progress.ts";
import type { ExportContext } from "../context.ts";
import { checkMetrics } from "../runs/metrics.ts";

type Handler = (request: ReportProgressRequest, call: Call) => Promise<ReportProgressResponse>;

export function reportProgress(context: ExportContext): Handler {
  return async ({ run, consumed, step, metrics, lease }, { caller }) => {
    checkRunId(run);
    checkMetrics(metrics);
    const progress = { run, lease, consumed, step, metrics };
    return { leaseExpireTime: toTimestamp(await command(context, caller.tenant, progress)) };
  };
}
