import { type Run, Run_State } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { Notifier } from "../../kit/notifier.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { stateOf } from "../runs/run-lease.ts";
import { showRun } from "../runs/shown-run.ts";
import { getRunState } from "../runs/stored-runs.ts";

export interface WatchRun {
  readonly tenant: TenantId;
  readonly run: string;
  /** The client's cancel. */
  readonly signal: AbortSignal;
  /** The server is about to stop. */
  readonly drain: AbortSignal;
}

/** Others change a run in other processes too, so it is looked at this often. */
const INTERVAL_MILLIS = 250;

/** The run now and after every change, until it is closed. A lease that ends is a change. Throws RUN_NOT_FOUND, DRAINING. */
export async function* watchRun(context: ExportContext, { tenant, run, signal, drain }: WatchRun): AsyncGenerator<Run> {
  const wake = AbortSignal.any([signal, drain]);
  let seen = "";
  for (;;) {
    const { value, revision } = await getRunState(context.store, tenant, run);
    const state = stateOf(value, context.clock.now());
    if (seen !== `${revision}/${state}`) {
      seen = `${revision}/${state}`;
      yield await showRun(context, tenant, run);
    }
    if (state === Run_State.STATE_SUCCEEDED || state === Run_State.STATE_FAILED) return;
    await new Notifier().wait(INTERVAL_MILLIS, wake);
    signal.throwIfAborted();
    if (drain.aborted) throw new ServiceError("DRAINING", "The server stops; watch again.");
  }
}
