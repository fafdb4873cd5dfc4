import { Run_State } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import type { Micros } from "../../store/store.ts";
import { runConflict } from "./run-errors.ts";

/** A run as somebody knows it who opened it. */
export interface HeldRun {
  readonly run: string;
  readonly lease: string;
}

/** Where a run is in its life: a lease that has ended makes it lost, without anything being written. */
export function stateOf({ result, leaseExpireMicros }: StoredRunState, now: Micros): Run_State {
  if (result !== undefined) return result.succeeded ? Run_State.STATE_SUCCEEDED : Run_State.STATE_FAILED;
  return leaseExpireMicros <= now ? Run_State.STATE_LOST : Run_State.STATE_OPEN;
}

/** Refuses whom somebody replaced. Throws RUN_CONFLICT. @param lease what the caller was told when it opened the run */
export function checkHolder(run: string, { lease: held }: StoredRunState, lease: string): void {
  if (held === "") throw runConflict(run, "was lost for long and holds nothing any more: open it again (OpenRun)");
  if (lease === "") throw runConflict(run, "takes no word without its lease: that of OpenRun or GetRun");
  if (lease !== held) throw runConflict(run, "was opened by another process since");
}

export function withLease(
  state: StoredRunState,
  now: Micros,
  leaseSeconds: number = state.leaseSeconds,
): StoredRunState {
  const leaseExpireMicros = now + BigInt(leaseSeconds) * 1_000_000n;
  return { ...state, leaseSeconds, leaseExpireMicros, updateTimeMicros: now };
}

/** The lease of its holder, renewed, also where it had ended. Throws RUN_CONFLICT for others, or where the run is closed. */
export function renewed({ run, lease }: HeldRun, state: StoredRunState, now: Micros): StoredRunState {
  if (state.result !== undefined) throw runConflict(run, "is closed");
  checkHolder(run, state, lease);
  return withLease(state, now);
}
