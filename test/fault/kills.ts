import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../data/random.ts";
import type { LoraloopProcess } from "../support/loraloop-process.ts";
import type { ChildLines } from "./child-lines.ts";

/** How often a test kills: LORALOOP_KILLS, else `few`. Before a release: 500 (train, half an hour), 200 (stream), 100 (ingest), 30 (build). */
export function killCount(few: number): number {
  return Number(process.env["LORALOOP_KILLS"] ?? few);
}

/** Milliseconds for a test, also on a machine that is busy with other things. */
export function timeLimit(kills: number): number {
  return 120_000 + kills * 10_000;
}

/** `count` different places from 0 to `end` − 1, ascending. */
export function killPlaces(random: Random, count: number, end: number): number[] {
  if (count > end) throw new Error(`${count} kills need at least as many places, not ${end}.`);
  const places = new Set<number>();
  while (places.size < count) places.add(random.between(0, end - 1));
  return [...places].toSorted((a, b) => a - b);
}

/** Kills what is under way some milliseconds later, whatever it does then: the child, the server or both. Both are there again afterwards; true where the child is a new one. */
export async function killSomething(random: Random, child: ChildLines, server: LoraloopProcess): Promise<boolean> {
  await delay(random.next() * 5);
  const victim = random.pick(["child", "server", "both"]);
  if (victim !== "server") await child.kill();
  if (victim !== "child") await restart(server);
  if (victim !== "server") child.start();
  return victim !== "server";
}

export async function restart(server: LoraloopProcess): Promise<void> {
  await server.kill();
  await server.start();
}
