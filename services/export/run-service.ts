import type { RunServiceImplementation } from "../../proto/gen/loraloop/export/v1/run_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { ExportContext } from "./context.ts";
import { closeEpoch } from "./handlers/close-epoch.ts";
import { closeRun } from "./handlers/close-run.ts";
import { getRun } from "./handlers/get-run.ts";
import { listLosses } from "./handlers/list-losses.ts";
import { listRuns } from "./handlers/list-runs.ts";
import { openRun } from "./handlers/open-run.ts";
import { renewRun } from "./handlers/renew-run.ts";
import { reportLosses } from "./handlers/report-losses.ts";
import { reportProgress } from "./handlers/report-progress.ts";
import { watchRun } from "./handlers/watch-run.ts";

/** Every method of `RunService` with its handler. */
export function runService(context: ExportContext): RunServiceImplementation<CallExtension> {
  return {
    openRun: openRun(context),
    renewRun: renewRun(context),
    reportProgress: reportProgress(context),
    reportLosses: reportLosses(context),
    closeEpoch: closeEpoch(context),
    closeRun: closeRun(context),
    getRun: getRun(context),
    listRuns: listRuns(context),
    listLosses: listLosses(context),
    watchRun: watchRun(context),
  };
}
