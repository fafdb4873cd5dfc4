import { type Figure, median } from "../figure.ts";
import { firstPass } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** How long the thread that serves is busy with one thing while it builds and streams. */
export const eventLoopFigure: Figure = {
  names: ["event_loop_p99_ms"],
  async measure(bench) {
    await using server = await bench.serve();
    const delays: number[] = [];
    for (let round = 0; round < bench.rounds; round += 1) {
      await server.eventLoopDelay();
      await firstPass(server, textDataset(`event loop ${round}`));
      delays.push(await server.eventLoopDelay());
    }
    const value = median(delays);
    const goal = { kind: "less than", than: 20 } as const;
    return [{ figure: "event_loop_p99_ms", value, unit: "ms", goal, ours: value, measuredIn: "ms" }];
  },
};
