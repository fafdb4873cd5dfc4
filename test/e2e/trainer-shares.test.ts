import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  BlockCache,
  Client,
  DatasetSpec,
  type PlanOptions,
  type Source,
  type StreamOptions,
  type StreamState,
} from "../../clients/typescript/src/index.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

/** The rule of shares, written down once more by its words: each rank and worker gets exactly what is its own, and together they get the plan. */
interface World {
  readonly count: number;
  readonly globalBatchSize: number;
  readonly dropLast: boolean;
  readonly worldSize: number;
  readonly workerCount: number;
  readonly shuffle: boolean | number;
  readonly seed: number;
  readonly epoch: number;
  /** First index to read. */
  readonly nextIndex: number;
  readonly delivery: "lines" | "zstd" | "references";
}

let server: LoraloopProcess;
let client: Client;
/** Snapshots by their number of samples. */
const snapshots = new Map<number, string>();

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
});

afterAll(async () => {
  client?.close();
  await server?.[Symbol.asyncDispose]();
});

const sampleCountOf = ({ count, globalBatchSize, dropLast }: Omit<World, "nextIndex">): number =>
  dropLast ? count - (count % globalBatchSize) : count;

const worlds = fc
  .record({
    count: fc.integer({ min: 1, max: 150 }),
    globalBatchSize: fc.integer({ min: 1, max: 24 }),
    dropLast: fc.boolean(),
    worldSize: fc.integer({ min: 1, max: 5 }),
    workerCount: fc.integer({ min: 1, max: 3 }),
    shuffle: fc.constantFrom(false, true, 1, 3),
    seed: fc.maxSafeNat(),
    epoch: fc.nat(5),
    delivery: fc.constantFrom("lines", "zstd", "references"),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ place, ...world }): World => {
    const sampleCount = sampleCountOf(world);
    const index = Math.floor(place * (sampleCount + 1));
    // Several ranks go on at whole global batches.
    const batchStart = index - (index % world.globalBatchSize);
    return { ...world, nextIndex: world.worldSize === 1 || index === sampleCount ? index : batchStart };
  })
  // Every rank has a sample of every global batch; others are refused.
  .filter((world) => {
    const last = sampleCountOf(world) % world.globalBatchSize;
    return world.worldSize <= world.globalBatchSize && (last === 0 || last >= world.worldSize);
  });

async function snapshotOf(count: number): Promise<string> {
  const known = snapshots.get(count);
  if (known !== undefined) return known;
  const collection = `notes-${count}`;
  const records = Array.from({ length: count }, (_, number) => ({
    id: `${number}`,
    fieldsJson: JSON.stringify({ text: `${number} `.repeat(1 + ((number * 89) % 400)) }),
  }));
  await client.ingest(collection, records);
  const spec = DatasetSpec.fromPartial({ collection, format: "text" });
  const { key } = await client.buildSnapshot({ source: { $case: "spec", value: spec } });
  snapshots.set(count, key);
  return key;
}

/** Rank and worker of an index. */
function ownerOf(index: number, world: World): string {
  const { globalBatchSize, worldSize, workerCount, nextIndex } = world;
  const batch = Math.floor(index / globalBatchSize);
  const samples = Math.min(globalBatchSize, sampleCountOf(world) - batch * globalBatchSize);
  const position = index - batch * globalBatchSize;
  let rank = 0;
  while (position >= Math.floor(((rank + 1) * samples) / worldSize)) rank += 1;
  return `${rank}/${(batch - Math.floor(nextIndex / globalBatchSize)) % workerCount}`;
}

const planOf = ({ globalBatchSize, dropLast, shuffle, seed, epoch }: World): PlanOptions => ({
  ...{ globalBatchSize, dropLast, shuffle, seed, epoch },
});

/** Ids of the plan, read by one. */
async function idsOf(source: Source, world: World): Promise<string[]> {
  const batches = await Array.fromAsync(client.stream(source, { plan: planOf(world) }).batches());
  return batches.flatMap(({ ids }) => [...ids]);
}

/** Of a stream that has consumed everything before `nextIndex`. */
async function stateOf(source: Source, world: World): Promise<StreamState | undefined> {
  if (world.nextIndex === 0) return undefined;
  const stream = client.stream(source, { plan: planOf(world) });
  let taken = 0;
  for await (const _sample of stream) {
    taken += 1;
    if (taken === world.nextIndex) break;
  }
  return stream.stateDict();
}

const cache = new BlockCache();
const deliveries: { readonly [name in World["delivery"]]: StreamOptions } = {
  lines: {},
  zstd: { compression: "zstd" },
  references: { cache },
};

/** Index and id of everything that a share gets. */
async function readShare(source: Source, world: World, options: StreamOptions): Promise<[number, string][]> {
  const stream = client.stream(source, {
    ...{ plan: planOf(world), batchSize: 7 },
    ...deliveries[world.delivery],
    ...options,
  });
  const batches = await Array.fromAsync(stream.batches());
  return batches.flatMap(({ indices, ids }) =>
    indices.map((index, place): [number, string] => [index, ids[place] as string]),
  );
}

test("for any plan, world and state, the shares are the plan, each index once", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const { worldSize, workerCount, nextIndex } = world;
      const source = { snapshot: await snapshotOf(world.count) };
      const [ids, resume] = [await idsOf(source, world), await stateOf(source, world)];
      expect(new Set(ids).size).toBe(sampleCountOf(world));
      const due = ids.map((id, index): [number, string] => [index, id]).slice(nextIndex);

      const seen: [number, string][] = [];
      for (let share = 0; share < worldSize * workerCount; share += 1) {
        const [rank, worker] = [Math.floor(share / workerCount), share % workerCount];
        const options = { rank, worldSize, worker, workerCount, ...(resume && { resume }) };
        const found = await readShare(source, world, options);
        expect(found).toEqual(due.filter(([index]) => ownerOf(index, world) === `${rank}/${worker}`));
        seen.push(...found);
      }
      expect(seen.toSorted(([one], [other]) => one - other)).toEqual(due);
    }),
    { numRuns: 40 },
  );
});
