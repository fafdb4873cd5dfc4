import { ask } from "../child.ts";
import { type Figure, median } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** From call to first sample of a shuffled plan over a sealed snapshot, by a server that is warm but was never asked for that plan. */
export const firstShuffledFigure: Figure = {
  names: ["first_shuffled_sample_ms"],
  async measure(bench) {
    await using server = await bench.serve();
    const key = await sealedSnapshot(server, textDataset("python"));
    const given = [server.address, server.token, key, String(2 * bench.rounds + 1)];
    const { millis } = await ask<{ millis: number[] }>("test/bench/clients/first-shuffled.ts", given);
    const value = median(millis.slice(1));
    const goal = { kind: "less than", than: 50 } as const;
    return [{ figure: "first_shuffled_sample_ms", value, unit: "ms", goal, ours: value, measuredIn: "ms" }];
  },
};
