import { join } from "node:path";
import { Child } from "../child.ts";
import type { Drop } from "../clients/drop.ts";
import { type Figure, median } from "../figure.ts";
import { dropStream, sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";

/** A sealed snapshot to a client that drops it, against raw grpc-js that sends the same frames from memory. */
export const dropFigure: Figure = {
  names: ["drop_vs_raw_grpc"],
  async measure(bench) {
    await using server = await bench.serve();
    const key = await sealedSnapshot(server, textDataset("drop"));
    const source = { source: { $case: "snapshot", value: key } } as const;
    const file = join(bench.folder, "frames");
    await dropStream(server, source, 1, file);
    await using peer = new Child("test/bench/peers/frames.ts", [file]);
    const { address } = await peer.message<{ address: string }>();
    const [ours, raw]: [Drop[], Drop[]] = [[], []];
    for (let turn = 0; turn < 3; turn += 1) {
      ours.push(...(await dropStream(server, source, bench.rounds + 1)).slice(1));
      raw.push(...(await dropStream({ address, token: "" }, source, bench.rounds + 1)).slice(1));
    }
    const [speed, rawSpeed] = [megabytesPerSecond(ours), megabytesPerSecond(raw)];
    return [
      {
        figure: "drop_vs_raw_grpc",
        value: speed / rawSpeed,
        unit: "ratio",
        goal: { kind: "at least", than: 0.7 },
        ours: speed,
        peer: rawSpeed,
        measuredIn: "MB/s",
        peerName: "grpc-js with the same frames in memory",
      },
    ];
  },
};

function megabytesPerSecond(drops: readonly Drop[]): number {
  return median(drops.map(({ bytes, millis }) => bytes / 1_000 / millis));
}
