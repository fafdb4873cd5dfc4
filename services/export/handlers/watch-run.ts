import type { WatchRunRequest, WatchRunResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { watchRun as command } from "../commands/watch-run.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: WatchRunRequest, call: Call) => AsyncGenerator<WatchRunResponse>;

export function watchRun(context: ExportContext): Handler {
  return async function* ({ run }, { caller, signal, drain }) {
    checkRunId(run);
    for await (const shown of command(context, { tenant: caller.tenant, run, signal, drain })) yield { run: shown };
  };
}
