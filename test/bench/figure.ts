import type { Bench } from "./bench.ts";

/** What `npm run bench` can measure; one file in figures/ makes one or a few that share their work. */
export interface Figure {
  /** Of the measurements, as people ask for them. */
  readonly names: readonly string[];
  measure(bench: Bench): Promise<readonly Measurement[]>;
}

export interface Measurement {
  readonly figure: string;
  /** What the goal is about. */
  readonly value: number;
  /** Of `value`. */
  readonly unit: "ratio" | "docs/s" | "ms" | "%" | "MB";
  readonly goal: Goal;
  readonly ours: number;
  /** Absent where the goal is a limit. */
  readonly peer?: number;
  /** Of `ours` and `peer`. */
  readonly measuredIn: string;
  /** What the peer is. */
  readonly peerName?: string;
}

/** A figure that this machine could not measure. */
export interface Unmeasured {
  readonly figure: string;
  readonly reason: string;
}

/** What a figure needs is not there. */
export class NotMeasuredError extends Error {}

export interface Goal {
  readonly kind: "at least" | "more than" | "at most" | "less than";
  readonly than: number;
}

export function isMet({ value, goal: { kind, than } }: Measurement): boolean {
  switch (kind) {
    case "at least":
      return value >= than;
    case "more than":
      return value > than;
    case "at most":
      return value <= than;
    case "less than":
      return value < than;
    default:
      return kind satisfies never;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
