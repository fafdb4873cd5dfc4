import colors from "picocolors";
import { count } from "../../clients/cli/output.ts";
import type { Step, TrainingResult } from "./training.ts";

/** What the ids in the log of a training say about the stream. */
export interface Delivery {
  /** Samples of the trained part of the snapshot that no surviving step saw. */
  readonly lost: number;
  /** Samples that surviving steps saw more often than the passes over the snapshot explain. */
  readonly repeated: number;
  readonly inOrder: boolean;
}

/** Compares the ids of the surviving steps with the snapshot's order, pass after pass. */
export function checkDelivery(steps: readonly Step[], snapshotIds: readonly string[], batchSize: number): Delivery {
  const perPass = Math.floor(snapshotIds.length / batchSize) * batchSize;
  const seen = steps.flatMap(({ ids }) => ids);
  const expected = seen.map((_, place) => snapshotIds[place % perPass]);
  const [lost, repeated] = [difference(expected, seen), difference(seen, expected)];
  return { lost, repeated, inOrder: seen.every((id, place) => id === expected[place]) };
}

/** How many elements of `left` have no counterpart in `right`. */
function difference(left: readonly unknown[], right: readonly unknown[]): number {
  const counts = new Map<unknown, number>();
  for (const element of right) counts.set(element, (counts.get(element) ?? 0) + 1);
  let missing = 0;
  for (const element of left) {
    const rest = counts.get(element) ?? 0;
    if (rest === 0) missing += 1;
    else counts.set(element, rest - 1);
  }
  return missing;
}

/** Steps whose losses are not the same number in both. */
export function differingLosses(one: TrainingResult, other: TrainingResult): number {
  return one.steps.filter(({ loss }, place) => other.steps[place]?.loss !== loss).length;
}

/** A curve in one line of text, averaged into `width` columns. */
export function curve(losses: readonly number[], width = 60): string {
  const blocks = "▁▂▃▄▅▆▇█";
  const size = Math.max(1, Math.ceil(losses.length / width));
  const means = Array.from({ length: Math.ceil(losses.length / size) }, (_, place) =>
    mean(losses.slice(place * size, (place + 1) * size)),
  );
  const [low, high] = [Math.min(...means), Math.max(...means)];
  return means.map((value) => blocks[Math.round(((value - low) / (high - low || 1)) * 7)]).join("");
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function heading(text: string): void {
  process.stdout.write(`\n${colors.bold(colors.cyan(text))}\n`);
}

export function verdict(ok: boolean, text: string): void {
  process.stdout.write(`  ${ok ? colors.green("✓") : colors.red("✗")} ${text}\n`);
}

export function samples(number: number): string {
  return `${count(number)} ${number === 1 ? "sample" : "samples"}`;
}
