import type { GetRunRequest, GetRunResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { getRun as command } from "../commands/get-run.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: GetRunRequest, call: Call) => Promise<GetRunResponse>;

export function getRun(context: ExportContext): Handler {
  return async ({ run }, { caller }) => {
    checkRunId(run);
    return { run: await command(context, caller.tenant, run) };
  };
}
