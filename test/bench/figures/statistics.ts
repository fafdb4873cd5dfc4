import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { ask } from "../child.ts";
import { type Figure, median } from "../figure.ts";
import { textDataset } from "../samples.ts";

/** A small part of the records in many turns: what is looked for is less than the noise of a whole pass. */
const recordCount = 5_000;
const turns = 41;

/** What counting adds to rendering. */
export const statisticsFigure: Figure = {
  names: ["statistics_overhead"],
  async measure() {
    const spec = Buffer.from(DatasetSpec.encode(textDataset("statistics")).finish()).toString("base64");
    const given = [String(recordCount), String(turns), spec];
    const times = await ask<{ without: number[]; withStatistics: number[] }>("test/bench/peers/rendering.ts", given);
    const [without, withStatistics] = [median(times.without.slice(5)), median(times.withStatistics.slice(5))];
    return [
      {
        figure: "statistics_overhead",
        value: (withStatistics / without - 1) * 100,
        unit: "%",
        goal: { kind: "at most", than: 3 },
        ours: withStatistics,
        peer: without,
        measuredIn: "ms",
        peerName: "the same rendering without statistics",
      },
    ];
  },
};
