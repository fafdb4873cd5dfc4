import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "../bench.ts";
import { Child } from "../child.ts";
import type { Figure } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";

const readers = 50;
/** Frames go on to fill what the network takes. */
const stallMillis = 10_000;

/** The server's memory while readers of a sealed snapshot have taken one frame and take no more. */
export const stalledReadersFigure: Figure = {
  names: ["rss_stalled_readers_mb"],
  async measure(bench) {
    const key = await seal(bench);
    await using server = await bench.serve();
    const given = [server.address, server.token, String(readers), key];
    await using child = new Child("test/bench/clients/stalled.ts", given);
    await child.message();
    await sleep(stallMillis);
    const value = server.peakMemory();
    const goal = { kind: "less than", than: 256 } as const;
    return [{ figure: "rss_stalled_readers_mb", value, unit: "MB", goal, ours: value, measuredIn: "MB" }];
  },
};

/** By a server of its own, whose memory does not count. */
async function seal(bench: Bench): Promise<string> {
  await using server = await bench.serve();
  return await sealedSnapshot(server, textDataset("stalled"));
}
