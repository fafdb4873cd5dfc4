import { ask } from "../child.ts";
import { type Figure, median } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** From call to first sample of a stream that goes on at 90 % of a million shuffled samples, and at 10 %. */
export const resumeFigure: Figure = {
  names: ["resume_ms", "resume_90_vs_10"],
  async measure(bench) {
    await using server = await bench.serve(bench.largeCount);
    const key = await sealedSnapshot(server, textDataset("large"));
    const given = [server.address, server.token, key, String(4 * bench.rounds + 1)];
    const millis = await ask<{ late: number[]; early: number[] }>("test/bench/clients/resume.ts", given);
    const [late, early] = [median(millis.late.slice(1)), median(millis.early.slice(1))];
    const measured = { ours: late, peer: early, measuredIn: "ms", peerName: "at 10 % instead of 90 %" };
    return [
      { figure: "resume_ms", value: late, unit: "ms", goal: { kind: "less than", than: 100 }, ...measured },
      {
        figure: "resume_90_vs_10",
        value: late / early,
        unit: "ratio",
        goal: { kind: "at most", than: 1.5 },
        ...measured,
      },
    ];
  },
};
