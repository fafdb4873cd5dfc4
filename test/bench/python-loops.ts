import { createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bench } from "./bench.ts";
import { ask, type ChildOptions } from "./child.ts";
import { median } from "./figure.ts";
import { checkInstalled, type Peer, peerPython } from "./peers.ts";
import type { Server } from "./server.ts";

/** A loop of dicts in a Python process of its own, measured over several passes. */
export type Loop = () => Promise<Passes>;

interface Passes {
  readonly seconds: readonly number[];
  /** Of one pass. */
  readonly sample_count: number;
}

/** Samples a second of two loops over the same samples, in turns: what else the machine does changes. */
export async function compareLoops(bench: Bench, ours: Loop, peer: Loop): Promise<{ ours: number; peer: number }> {
  const speeds: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round < bench.rounds; round += 1) {
    const [mine, theirs] = [await ours(), await peer()];
    if (mine.sample_count !== theirs.sample_count) {
      throw new Error(`One loop had ${mine.sample_count} samples, the other ${theirs.sample_count}.`);
    }
    speeds.ours.push(...speedsOf(mine));
    speeds.peer.push(...speedsOf(theirs));
  }
  return { ours: median(speeds.ours), peer: median(speeds.peer) };
}

export function streamLoop({ address, token }: Server, snapshot: string, order: "ordered" | "shuffled"): Loop {
  return () => ask<Passes>("test/bench/clients/dicts.py", [address, token, snapshot, order]);
}

export function cachedLoop({ address, token }: Server, snapshot: string, bench: Bench): Loop {
  return () => ask<Passes>("test/bench/clients/cached.py", [address, token, snapshot, join(bench.folder, "blocks")]);
}

/** Gives a peer the samples of a snapshot in its own form first. Throws NotMeasuredError where it is not installed. */
export async function peerLoop(bench: Bench, server: Server, snapshot: string, peer: Peer): Promise<Loop> {
  checkInstalled(peer);
  const lines = await writeLines(bench, server, snapshot);
  const options = { environment: environmentOf(bench), python: peerPython(peer) };
  const data = peer.folder === undefined ? lines : await writeFolder(bench, peer, lines, options);
  return () => ask<Passes>(peer.program, ["read", data, ...(peer.order === undefined ? [] : [peer.order])], options);
}

async function writeLines({ folder }: Bench, { client }: Server, snapshot: string): Promise<string> {
  const file = join(folder, "samples.jsonl");
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const batch of client.stream({ snapshot }).batches()) yield batch.ndjson();
  }
  return await writeOnce(file, (target) => pipeline(Readable.from(lines()), createWriteStream(target)));
}

async function writeFolder(bench: Bench, peer: Peer, lines: string, options: ChildOptions): Promise<string> {
  const folder = join(bench.folder, peer.folder ?? "");
  return await writeOnce(folder, (target) => ask(peer.program, ["write", lines, target], options));
}

/** Another figure may have written it before; what was interrupted does not count. */
async function writeOnce(path: string, write: (target: string) => Promise<unknown>): Promise<string> {
  if (existsSync(path)) return path;
  const unfinished = `${path}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await write(unfinished);
  await rename(unfinished, path);
  return path;
}

/** What peers keep for themselves goes into the bench's folder; none of them looks for anything in the network. */
function environmentOf({ folder }: Bench): NodeJS.ProcessEnv {
  return {
    HF_HOME: join(folder, "huggingface"),
    HF_HUB_OFFLINE: "1",
    LITDATA_DISABLE_VERSION_CHECK: "1",
    DATA_OPTIMIZER_CACHE_FOLDER: join(folder, "litdata-cache"),
    DATA_OPTIMIZER_DATA_CACHE_FOLDER: join(folder, "litdata-data"),
  };
}

function speedsOf({ seconds, sample_count: count }: Passes): number[] {
  return seconds.map((pass) => count / pass);
}
