import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { ask } from "../child.ts";
import { type Figure, type Measurement, median } from "../figure.ts";
import { oneTheme, textDataset } from "../samples.ts";
import type { Server } from "../server.ts";

const goal = { kind: "less than", than: 100 } as const;

/** From call to first sample: of a dataset that was streamed before, and of new ones that keep a tenth of their first 1,000 records. */
export const firstSampleFigure: Figure = {
  names: ["first_sample_warm_ms", "first_sample_new_ms"],
  async measure(bench) {
    await using server = await bench.serve();
    const again = textDataset("first sample");
    const warm = await firstSamples(server, Array(2 * bench.rounds).fill(again));
    const selection = oneTheme();
    const news = Array.from({ length: bench.rounds + 1 }, (_, round) => textDataset(`new ${round}`, { selection }));
    const fresh = await firstSamples(server, news);
    return [limit("first_sample_warm_ms", warm.slice(1)), limit("first_sample_new_ms", fresh)];
  },
};

async function firstSamples({ address, token }: Server, specs: readonly DatasetSpec[]): Promise<number[]> {
  const encoded = specs.map((spec) => Buffer.from(DatasetSpec.encode(spec).finish()).toString("base64"));
  const { millis } = await ask<{ millis: number[] }>("test/bench/clients/first-sample.ts", [
    address,
    token,
    ...encoded,
  ]);
  return millis;
}

function limit(figure: string, millis: readonly number[]): Measurement {
  const value = median(millis);
  return { figure, value, unit: "ms", goal, ours: value, measuredIn: "ms" };
}
