import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Store, TenantId } from "../store.ts";
import type { Crash, Place } from "./harness.ts";
import { bytes, changesAll, text } from "./helpers.ts";
import type { Acknowledgement } from "./writer.ts";

const script = fileURLToPath(new URL("./writer.ts", import.meta.url));

/** kill -9 of the process that commits. */
export const killWriter: Crash = {
  name: "kill -9 of the committing process",
  start: (_place, command, args) => spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] }),
  async strike(_place, writer) {
    writer.kill("SIGKILL");
  },
};

export interface Writer {
  readonly process: ChildProcess;
  /** Grows while the process runs. */
  readonly acknowledged: readonly Acknowledgement[];
  /** Resolves when so many commits are acknowledged. */
  reach(count: number): Promise<void>;
  /** Resolves when the process has ended and all that it wrote has been read. */
  readonly ended: Promise<void>;
}

export function startWriter(place: Place, tenant: TenantId, name: string, most: number, crash = killWriter): Writer {
  const args = [script, JSON.stringify(place.config), String(tenant), name, String(most)];
  const child = crash.start(place, process.execPath, args);
  if (!child.stdout) throw new Error("The writer's standard output is not a pipe.");
  const acknowledged: Acknowledgement[] = [];
  const lines = createInterface(child.stdout);
  lines.on("line", (line) => {
    const [revision, key] = line.split(" ");
    if (revision && key) acknowledged.push({ revision: BigInt(revision), key });
  });
  const ended = Promise.all([once(lines, "close"), once(child, "exit")]).then(() => undefined);
  return {
    process: child,
    acknowledged,
    ended,
    async reach(count) {
      while (acknowledged.length < count) {
        const over = ended.then(() => {
          throw new Error(`The writer ended after ${acknowledged.length} acknowledged commits.`);
        });
        await Promise.race([once(lines, "line"), over]);
      }
    },
  };
}

/** Every acknowledged commit is there, under its revision, in a history without gaps. */
export async function checkAcknowledged(
  store: Store,
  tenant: TenantId,
  acknowledged: readonly Acknowledgement[],
): Promise<void> {
  const changed = await changesAll(store, tenant, 0n);
  expect(changed.map(({ revision }) => revision)).toEqual(changed.map((_, n) => BigInt(n + 1)));
  expect(changed.length).toBeGreaterThanOrEqual(acknowledged.length);
  for (const { revision, key } of acknowledged) {
    expect(text(changed[Number(revision) - 1]?.key ?? bytes(""))).toBe(key);
    expect((await store.get(tenant, bytes(key)))?.value).toHaveLength(100);
  }
}
