import { Run_State } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import type { Micros } from "../../store/store.ts";
import { runConflict } from "./run-errors.ts";

/** Where a run is in its life: a lease that has ended makes it lost, without anything being written. */
export function stateOf({ result, leaseExpireMicros }: StoredRunState, now: Micros): Run_State {
  if (result !== undefined) return result.succeeded ? Run_State.STATE_SUCCEEDED : Run_State.STATE_FAILED;
  return leaseExpireMicros <= now ? Run_State.STATE_LOST : Run_State.STATE_OPEN;
}

export function withLease(
  state: StoredRunState,
  now: Micros,
  leaseSeconds: number = state.leaseSeconds,
): StoredRunState {
  const leaseExpireMicros = now + BigInt(leaseSeconds) * 1_000_000n;
  return { ...state, leaseSeconds, leaseExpireMicros, updateTimeMicros: now };
}

/** The lease, renewed. Throws RUN_CONFLICT where it ended, or the run is closed. */
export function renewed(run: string, state: StoredRunState, now: Micros): StoredRunState {
  if (state.result !== undefined) throw runConflict(run, "is closed");
  if (stateOf(state, now) === Run_State.STATE_LOST) throw runConflict(run, "lost its lease: open it again (OpenRun)");
  return withLease(state, now);
}
