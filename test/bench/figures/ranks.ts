import type { Bench } from "../bench.ts";
import { ask } from "../child.ts";
import type { Figure } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";

const ranks = 64;

/** The server's memory while all ranks of a shuffled epoch read a sealed snapshot of a million records. */
export const ranksFigure: Figure = {
  names: ["rss_64_ranks_mb"],
  async measure(bench) {
    const { key, sampleCount } = await seal(bench);
    await using server = await bench.serve(bench.largeCount);
    const given = [server.address, server.token, key, String(ranks)];
    const read = await ask<{ sampleCount: number }>("test/bench/clients/ranks.ts", given);
    if (read.sampleCount !== sampleCount)
      throw new Error(`The ranks read ${read.sampleCount} of ${sampleCount} samples.`);
    const value = server.peakMemory();
    const goal = { kind: "less than", than: 256 } as const;
    return [{ figure: "rss_64_ranks_mb", value, unit: "MB", goal, ours: value, measuredIn: "MB" }];
  },
};

/** By a server of its own, whose memory does not count. */
async function seal(bench: Bench): Promise<{ readonly key: string; readonly sampleCount: number }> {
  await using server = await bench.serve(bench.largeCount);
  const key = await sealedSnapshot(server, textDataset("large"));
  const { snapshot } = await server.client.export.getSnapshot({ snapshot: key });
  return { key, sampleCount: Number(snapshot?.statistics?.sampleCount) };
}
