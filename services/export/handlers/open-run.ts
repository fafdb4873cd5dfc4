import { randomUUID } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { OpenRunRequest, OpenRunResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { openRun as command } from "../commands/open-run.ts";
import type { ExportContext } from "../context.ts";
import { normalisePlan } from "../plan/plan-spec.ts";
import { checkLease } from "../runs/check-lease.ts";
import { checkEnvironment, checkRunPlan, leaseSecondsOf } from "../runs/open-run-fields.ts";

type Handler = (request: OpenRunRequest, call: Call) => Promise<OpenRunResponse>;

export function openRun(context: ExportContext): Handler {
  return async (request, { caller, signal }) => {
    if (request.run !== "") checkRunId(request.run);
    const lease = request.lease || randomUUID();
    checkLease(lease);
    checkRunPlan(request);
    checkEnvironment(request.environment);
    const { source, adaptiveSampling, environment } = request;
    const plan = normalisePlan(request.plan);
    const leaseSeconds = leaseSecondsOf(request);
    const asked = { run: request.run || uuidv7(), source, plan, adaptiveSampling, environment, lease, leaseSeconds };
    return { run: await command(context, caller.tenant, asked, signal) };
  };
}
