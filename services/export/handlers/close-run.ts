import {
  type CloseRunRequest,
  type CloseRunResponse,
  RunResult,
} from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { closeRun as command } from "../commands/close-run.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: CloseRunRequest, call: Call) => Promise<CloseRunResponse>;

export function closeRun(context: ExportContext): Handler {
  return async ({ run, result, lease }, { caller }) => {
    checkRunId(run);
    if (result === undefined) throw fieldInvalid("result", "", "how the run ended");
    const bytes = encoded(RunResult, result).length;
    if (bytes > limits.run_result_bytes) throw limitExceeded("run_result_bytes", bytes, "The size of the result");
    return { run: await command(context, caller.tenant, { run, lease, result }) };
  };
}
