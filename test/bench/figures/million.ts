import type { Figure } from "../figure.ts";
import { dropStream } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** The server's memory over a first pass of a million records with deduplication, and a second one of what that sealed. */
export const millionFigure: Figure = {
  names: ["rss_million_mb"],
  async measure(bench) {
    await using server = await bench.serve(bench.largeCount);
    const source = { source: { $case: "spec", value: textDataset("million") } } as const;
    await dropStream(server, source, 2);
    const value = server.peakMemory();
    const goal = { kind: "less than", than: 256 } as const;
    return [{ figure: "rss_million_mb", value, unit: "MB", goal, ours: value, measuredIn: "MB" }];
  },
};
