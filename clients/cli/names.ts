import { Mixture_Exhaustion, WeightUse } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RejectReason, Run_State, Snapshot_State } from "../typescript/src/index.ts";

/** `TEXT_TOO_SHORT`. */
export function reasonName(reason: RejectReason): string {
  return nameOf(RejectReason, reason).replace("REJECT_REASON_", "");
}

/** `SEALED`. */
export function stateName(state: Snapshot_State): string {
  return nameOf(Snapshot_State, state).replace("STATE_", "");
}

/** `LOST`. */
export function runStateName(state: Run_State): string {
  return nameOf(Run_State, state).replace("STATE_", "");
}

/** `SAMPLING`. */
export function weightUseName(use: WeightUse): string {
  return nameOf(WeightUse, use).replace("WEIGHT_USE_", "");
}

/** `FIRST`. */
export function exhaustionName(exhaustion: Mixture_Exhaustion): string {
  return nameOf(Mixture_Exhaustion, exhaustion).replace("EXHAUSTION_", "");
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? "UNKNOWN";
}
