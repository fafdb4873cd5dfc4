import { join } from "node:path";
import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { readExportConfiguration } from "../../../services/export/configuration.ts";
import type { Bench } from "../bench.ts";
import { ask } from "../child.ts";
import { type Figure, median } from "../figure.ts";
import { firstPass } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** Of the exporter that this replaces, in documents a second. */
const before = 208;

/** A dataset that was never streamed before, from RocksDB to a client that drops it, against the same rendering alone in one process. */
export const firstPassFigure: Figure = {
  names: ["first_pass_vs_loop", "first_pass_docs_per_second"],
  async measure(bench) {
    const ours: number[] = [];
    const peer: number[] = [];
    // In turns, since what else the machine does changes.
    for (const half of ["a", "b"]) {
      peer.push(...(await loops(bench)));
      ours.push(...(await passes(bench, half)));
    }
    const [docs, loop] = [rate(bench, ours), rate(bench, peer)];
    return [
      {
        figure: "first_pass_vs_loop",
        value: docs / loop,
        unit: "ratio",
        goal: { kind: "at least", than: 0.6 },
        ours: docs,
        peer: loop,
        measuredIn: "docs/s",
        peerName: "scan, parse, render, hash, as many threads",
      },
      {
        figure: "first_pass_docs_per_second",
        value: docs,
        unit: "docs/s",
        goal: { kind: "at least", than: 200 * before },
        ours: docs,
        peer: before,
        measuredIn: "docs/s",
        peerName: "exporter of the source documents",
      },
    ];
  },
};

/** The first of each process warms it up. */
async function passes(bench: Bench, half: string): Promise<number[]> {
  await using server = await bench.serve();
  const millis: number[] = [];
  for (let round = 0; round <= bench.rounds; round += 1) {
    millis.push(await firstPass(server, textDataset(`first pass ${half}${round}`)));
  }
  return millis.slice(1);
}

async function loops(bench: Bench): Promise<number[]> {
  const spec = Buffer.from(DatasetSpec.encode(textDataset("loop")).finish()).toString("base64");
  const { rendering_threads: threads } = readExportConfiguration({ values: { data_directory: bench.folder } });
  const numbers = [bench.recordCount, threads, bench.rounds + 1].map(String);
  const given = [join(await bench.data(), "store"), ...numbers, spec];
  const { millis } = await ask<{ millis: number[] }>("test/bench/peers/loop.ts", given);
  return millis.slice(1);
}

function rate(bench: Bench, millis: readonly number[]): number {
  return (bench.recordCount * 1_000) / median(millis);
}
