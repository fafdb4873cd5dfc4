import { Mixture_Exhaustion, WeightUse } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RejectReason, Run_State, Snapshot_State } from "../typescript/src/index.ts";

/** `TEXT_TOO_SHORT`. */
export function reasonName(reason: RejectReason): string {
  return enumName(RejectReason, reason, "REJECT_REASON_");
}

/** `SEALED`. */
export function stateName(state: Snapshot_State): string {
  return enumName(Snapshot_State, state, "STATE_");
}

/** `LOST`. */
export function runStateName(state: Run_State): string {
  return enumName(Run_State, state, "STATE_");
}

/** `SAMPLING`. */
export function weightUseName(use: WeightUse): string {
  return enumName(WeightUse, use, "WEIGHT_USE_");
}

/** `FIRST`. */
export function exhaustionName(exhaustion: Mixture_Exhaustion): string {
  return enumName(Mixture_Exhaustion, exhaustion, "EXHAUSTION_");
}

/** The name of an enum's value without its prefix. */
export function enumName(names: Readonly<Record<string, number>>, value: number, prefix: string): string {
  const name = Object.entries(names).find(([, number]) => number === value)?.[0] ?? "UNKNOWN";
  return name.replace(prefix, "");
}
