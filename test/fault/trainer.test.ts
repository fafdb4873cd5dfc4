import { expect, test } from "vitest";
import {
  BlockCache,
  Client,
  DatasetSpec,
  type RankBatch,
  type TrainerOptions,
} from "../../clients/typescript/src/index.ts";
import { newSeed, Random } from "../data/random.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { killCount, killPlaces, restart, timeLimit } from "./kills.ts";

const kills = killCount(6);
const plan = { shuffle: 4, seed: 11, globalBatchSize: 12, weights: "sampling", dropLast: true } as const;
const ranks = [0, 1, 2];

/** Samples of about 8 kB: more than connections hold, so that every kill cuts frames or blocks off. */
const records = Array.from({ length: 3000 }, (_, number) => ({
  id: `r${number}`,
  fieldsJson: JSON.stringify({ text: `${number} `.repeat(1600), weight: 1 + (number % 3) }),
}));

const deliveries: [string, () => TrainerOptions][] = [
  ["lines", () => ({})],
  ["zstd frames", () => ({ compression: "zstd" })],
  ["blocks through a small cache", () => ({ cache: new BlockCache({ maxItems: 2 }), prefetchBytes: 100_000 })],
];

test.for(deliveries)(
  "by %s, ranks go on through kills of the server: every global batch comes once, whole",
  {
    timeout: timeLimit(kills) * 2,
  },
  async ([, delivery]) => {
    const seed = newSeed();
    const random = new Random(seed);
    await using server = await LoraloopProcess.start();
    await using client = new Client({ address: server.address, token: await server.token() });
    const source = await prepare(client);
    const expected = (await Array.fromAsync(client.stream(source, { plan }).batches())).flatMap(({ ids }) => [...ids]);

    const trainers = ranks.map((rank) =>
      client.trainer(source, { ...plan, rank, worldSize: ranks.length, ...delivery() }),
    );
    const readers = trainers.map((trainer) => trainer[Symbol.asyncIterator]());
    const places = killPlaces(random, kills, expected.length / plan.globalBatchSize);
    const ids: string[] = [];
    for (let turn = 0; ; turn += 1) {
      const restarted = places.includes(turn) ? restart(server) : undefined;
      const parts = await Promise.all(readers.map((reader) => reader.next()));
      await restarted;
      if (parts.every(({ done }) => done)) break;
      ids.push(...parts.flatMap(({ value }) => (value as RankBatch).ids));
      expect(new Set(trainers.map((trainer) => JSON.stringify(trainer.stateDict()))).size).toBe(1);
    }
    expect(ids, `seed ${seed}`).toEqual(expected);
  },
);

async function prepare(client: Client): Promise<{ snapshot: string }> {
  await client.ingest("notes", records);
  const weighting = { weightField: "weight" };
  const spec = DatasetSpec.fromPartial({ collection: "notes", format: "text", weighting });
  return { snapshot: (await client.buildSnapshot({ source: { $case: "spec", value: spec } })).key };
}
