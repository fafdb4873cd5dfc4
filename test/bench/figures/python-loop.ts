import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ask } from "../child.ts";
import { type Figure, median } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { textDataset } from "../samples.ts";
import type { Server } from "../server.ts";

interface Loop {
  readonly seconds: number;
  readonly sample_count: number;
}

/** A sealed snapshot into a Python loop of dicts, against Hugging Face datasets streaming the same samples from a local file. */
export const pythonLoopFigure: Figure = {
  names: ["python_loop_vs_hf_json"],
  async measure(bench) {
    await using server = await bench.serve();
    const key = await sealedSnapshot(server, textDataset("python"));
    const file = join(bench.folder, "samples.jsonl");
    await writeLines(server, key, file);
    const offline = { HF_HOME: join(bench.folder, "huggingface"), HF_HUB_OFFLINE: "1" };
    const [ours, peer]: [number[], number[]] = [[], []];
    for (let round = 0; round < bench.rounds; round += 1) {
      ours.push(speed(await ask<Loop>("test/bench/clients/dicts.py", [server.address, server.token, key])));
      peer.push(speed(await ask<Loop>("test/bench/peers/hf_json.py", [file], offline)));
    }
    return [
      {
        figure: "python_loop_vs_hf_json",
        value: median(ours) / median(peer),
        unit: "ratio",
        goal: { kind: "more than", than: 1 },
        ours: median(ours),
        peer: median(peer),
        measuredIn: "samples/s",
        peerName: 'load_dataset("json", streaming=True)',
      },
    ];
  },
};

async function writeLines({ client }: Server, snapshot: string, file: string): Promise<void> {
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const batch of client.stream({ snapshot }).batches()) yield batch.ndjson();
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
}

function speed({ seconds, sample_count: count }: Loop): number {
  return count / seconds;
}
