import { createHash } from "node:crypto";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Compression,
  Delivery,
  Mixture_Exhaustion,
  type PlanSpec,
  type StreamSamplesResponse,
  WeightUse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import {
  all,
  COUNT,
  close,
  folder,
  framesOf,
  headerOf,
  law,
  linesOf,
  never,
  open,
  opened,
  plan,
  records,
  reopen,
  type Sample,
  samplesOf,
  store,
  tax,
} from "../../../test/support/planned-samples.ts";
import type { StreamOptions } from "../../../test/support/samples.ts";
import { sweepWeightTables } from "../plan/sweep-weight-tables.ts";
import { getWeightTable } from "../plan/weight-table.ts";
import { tablePath } from "../snapshot/table/table-file.ts";
import { deleteSnapshot } from "./delete-snapshot.ts";
import { explainPlan } from "./explain-plan.ts";
import { readBlocks } from "./read-blocks.ts";

afterEach(close);

const byIndex = (samples: readonly Sample[]): Sample[] => samples.toSorted((a, b) => a.index - b.index);

/** All shares of a world, from a place on, in order of the index. */
async function world(
  source: typeof all | undefined,
  options: StreamOptions,
  worldSize: number,
  workerCount: number,
): Promise<Sample[]> {
  const found: Sample[] = [];
  for (let rank = 0; rank < worldSize; rank += 1) {
    for (let worker = 0; worker < workerCount; worker += 1) {
      found.push(...(await samplesOf(source, { ...options, share: { rank, worldSize, worker, workerCount } })));
    }
  }
  return byIndex(found);
}

const plans: Record<string, { source: typeof all | undefined; plan: PlanSpec; count: number }> = {
  "in snapshot order": { source: all, plan: plan({ globalBatchSize: 12 }), count: COUNT },
  shuffled: { source: all, plan: plan({ globalBatchSize: 12, shuffle: {}, seed: 9n, epoch: 2 }), count: COUNT },
  "shuffled in small windows": {
    source: all,
    plan: plan({ globalBatchSize: 12, shuffle: { windowPages: 3 }, dropLast: true }),
    count: COUNT,
  },
  sampled: {
    source: all,
    plan: plan({ globalBatchSize: 12, shuffle: {}, weightUse: WeightUse.WEIGHT_USE_SAMPLING }),
    count: COUNT,
  },
  mixed: {
    source: undefined,
    plan: plan({
      globalBatchSize: 12,
      shuffle: {},
      dropLast: true,
      mixture: {
        sources: [
          { source: law, proportion: 3 },
          { source: tax, proportion: 1 },
        ],
        exhaustion: Mixture_Exhaustion.EXHAUSTION_ALL,
      },
    }),
    count: 7992,
  },
  "mixed in blocks": {
    source: undefined,
    plan: plan({
      globalBatchSize: 12,
      dropLast: true,
      mixture: { sources: [{ source: law }, { source: tax }], blockBatches: 5 },
    }),
    count: 1956,
  },
};

describe.each(Object.entries(plans))("a plan %s", (_, { source, plan, count }) => {
  beforeEach(() => open("rocksdb"));

  test("is the same for every world, resumed anywhere, and what ExplainPlan says", async () => {
    const whole = await samplesOf(source, { plan });
    expect(whole.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, index) => index));
    for (const { id, line } of whole) expect(line).toBe(linesOf.get(id));
    const header = await headerOf(source, { plan });
    for (const [worldSize, workerCount, nextIndex] of [
      [4, 2, 600],
      [3, 3, 1200],
      [1, 4, 1201],
    ] as const) {
      const rest = await world(source, { plan, after: header, nextIndex }, worldSize, workerCount);
      expect(rest).toEqual(whole.slice(nextIndex));
    }
    const request = { source, plan, runEpoch: undefined };
    const { entries } = await explainPlan(opened.context, {
      tenant: 1,
      request,
      hash: "",
      firstIndex: 700,
      count: 40,
      worldSize: 4,
      signal: never,
    });
    expect(entries.map(({ recordId }) => recordId)).toEqual(whole.slice(700, 740).map(({ id }) => id));
  });

  test("comes by zstd and by reference as it comes in lines", async () => {
    const whole = await samplesOf(source, { plan });
    expect(await samplesOf(source, { plan, compression: Compression.COMPRESSION_ZSTD })).toEqual(whole);
    const frames = await framesOf(source, { plan, delivery: Delivery.DELIVERY_REFERENCES });
    const found: { id: string; line: string; weight: number | undefined }[] = [];
    const header = await headerOf(source, { plan });
    const blocks = new Map<string, Buffer>();
    for (const { snapshot } of header.plan?.sources ?? []) await readAll(snapshot, frames, blocks);
    for (const { frame } of frames) {
      if (frame?.$case !== "references") continue;
      const { blockDigests, blocks: places, offsets, lengths, ids, weightsMicros } = frame.value;
      for (const [place, id] of ids.entries()) {
        const block = blocks.get(
          Buffer.from(blockDigests[places[place] as number] as Uint8Array).toString("hex"),
        ) as Buffer;
        const start = offsets[place] as number;
        const line = block.toString("utf8", start, start + (lengths[place] as number) - 1);
        found.push({ id, line, weight: weightsMicros[place] });
      }
    }
    expect(found).toEqual(whole.map(({ id, line, weight }) => ({ id, line, weight })));
  });
});

/** Reads the blocks that references name and this snapshot has. */
async function readAll(
  snapshot: string,
  frames: readonly StreamSamplesResponse[],
  blocks: Map<string, Buffer>,
): Promise<void> {
  const named = new Map<string, Uint8Array>();
  for (const { frame } of frames) {
    if (frame?.$case !== "references") continue;
    for (const digest of frame.value.blockDigests) named.set(Buffer.from(digest).toString("hex"), digest);
  }
  const { blockDigests } = await opened.context.snapshots.tables.open(1, Buffer.from(snapshot, "hex"));
  const ours = blockDigests.filter((digest) => named.has(Buffer.from(digest).toString("hex")));
  const pieces = ours.map((): Buffer[] => []);
  for await (const { block, bytes } of readBlocks(opened.context, {
    tenant: 1,
    snapshot,
    digests: ours,
    signal: never,
  })) {
    pieces[block]?.push(Buffer.from(bytes));
  }
  for (const [place, digest] of ours.entries()) {
    const block = Buffer.concat(pieces[place] as Buffer[]);
    expect(createHash("sha256").update(block).digest()).toEqual(Buffer.from(digest));
    blocks.set(Buffer.from(digest).toString("hex"), block);
  }
}

describe.each(["memory", "rocksdb", "postgres"] as const)("plans over %s", (kind) => {
  beforeEach(() => open(kind));

  test("sampling gives copies by weight, and the samples carry none", async () => {
    const samples = await samplesOf(all, { plan: plan({ weightUse: WeightUse.WEIGHT_USE_SAMPLING, shuffle: {} }) });
    const copies = new Map<string, number>();
    for (const { id, weight } of samples) {
      expect(weight).toBeUndefined();
      copies.set(id, (copies.get(id) ?? 0) + 1);
    }
    for (const { id, fields } of records) {
      expect(Math.abs((copies.get(id) ?? 0) - (fields["weight"] as number) / 2.5)).toBeLessThan(1);
    }
  });

  test("a lost sample table is made again", async () => {
    const header = await headerOf(all, { plan: plan({ shuffle: {} }) });
    const path = tablePath(folder, 1, Buffer.from(header.snapshot, "hex"));
    const [bytes, ids] = [await readFile(path), await readFile(`${path}.ids`)];
    await rm(path);
    await rm(`${path}.ids`);
    await opened.context.snapshots.tables.open(1, Buffer.from(header.snapshot, "hex"));
    expect(await readFile(path)).toEqual(bytes);
    expect(await readFile(`${path}.ids`)).toEqual(ids);
    await reopen();
    await truncate(path, bytes.length - 1);
    await opened.context.snapshots.tables.open(1, Buffer.from(header.snapshot, "hex"));
    expect(await readFile(path)).toEqual(bytes);
  });

  test("a damaged table is made again while a trainer reads, in lines, references and weights", async () => {
    const shuffled = plan({ shuffle: {} });
    const whole = await samplesOf(all, { plan: shuffled });
    const { snapshot } = await headerOf(all, { plan: shuffled });
    const path = tablePath(folder, 1, Buffer.from(snapshot, "hex"));
    const bytes = await readFile(path);
    for (const [options, place] of [
      [{ plan: shuffled }, 64 * 1500 + 30],
      [{ plan: shuffled, delivery: Delivery.DELIVERY_REFERENCES }, 64 * 700 + 12],
      [{ plan: plan({ weightUse: WeightUse.WEIGHT_USE_SAMPLING, seed: 4n }) }, 64 * 9 + 13],
    ] as const) {
      const damaged = Buffer.from(bytes);
      damaged[place] = (damaged[place] as number) ^ 1;
      await reopen();
      await writeFile(path, damaged);
      await expect(framesOf(all, options)).rejects.toMatchObject({ reason: "SNAPSHOT_BUILDING", retryAfterSeconds: 1 });
      await framesOf(all, options);
      expect(await readFile(path)).toEqual(bytes);
    }
    expect(await samplesOf(all, { plan: shuffled })).toEqual(whole);
  });

  test("a flipped byte of a block is found", async () => {
    const { snapshot } = await headerOf(all, { plan: plan({ shuffle: {} }) });
    const { blockDigests } = await opened.context.snapshots.tables.open(1, Buffer.from(snapshot, "hex"));
    const path = opened.context.snapshots.blockPath(1, blockDigests[0] as Uint8Array);
    const bytes = await readFile(path);
    bytes[1000] = (bytes[1000] as number) ^ 1;
    await reopen();
    await writeFile(path, bytes);
    await expect(samplesOf(all, { plan: plan({ shuffle: {} }) })).rejects.toThrow("are damaged");
  });

  test("a table that is lost between two calls of a trainer is made again", async () => {
    const header = await headerOf(all, { plan: plan({ shuffle: {} }) });
    const whole = await samplesOf(all, { plan: plan({ shuffle: {} }) });
    await rm(tablePath(folder, 1, Buffer.from(header.snapshot, "hex")));
    expect(await samplesOf(all, { plan: plan({ shuffle: {} }), after: header, nextIndex: 700 })).toEqual(
      whole.slice(700),
    );
  });

  test("the sweep removes the tables of copies that no snapshot needs", async () => {
    const sampled = plan({ weightUse: WeightUse.WEIGHT_USE_SAMPLING });
    const header = await headerOf(all, { plan: sampled });
    const digest = Buffer.from(header.plan?.sources[0]?.weightTable ?? "", "hex");
    await sweepWeightTables(store, 1);
    expect(await getWeightTable(store, 1, digest, COUNT)).toBeDefined();
    await deleteSnapshot(opened.context, 1, header.snapshot);
    await sweepWeightTables(store, 1);
    expect(await getWeightTable(store, 1, digest, COUNT)).toBeUndefined();
    // The same records and dataset: the same snapshot, plan and table again.
    expect((await headerOf(all, { plan: sampled })).plan?.hash).toBe(header.plan?.hash);
    expect(await getWeightTable(store, 1, digest, COUNT)).toBeDefined();
  });

  test("a removed snapshot is gone for its plans, also for those in memory", async () => {
    const shuffled = plan({ shuffle: {} });
    const header = await headerOf(all, { plan: shuffled });
    await deleteSnapshot(opened.context, 1, header.snapshot);
    const resumed = samplesOf(all, { plan: shuffled, after: header, nextIndex: 5 });
    await expect(resumed).rejects.toMatchObject({ reason: "SNAPSHOT_EXPIRED" });
  });
});
