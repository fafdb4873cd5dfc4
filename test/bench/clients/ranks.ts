import { Client } from "../../../clients/typescript/src/index.ts";

/** All ranks of a shuffled epoch at once, each over a connection of its own and to its end: `ranks.ts ADDRESS TOKEN SNAPSHOT RANKS`. Prints the samples that came. */

/** Of each rank, in a global batch. */
const batchSize = 8;

const [address = "", token = "", snapshot = "", ranks = ""] = process.argv.slice(2);
const worldSize = Number(ranks);
const plan = { shuffle: true, globalBatchSize: batchSize * worldSize };
const counts = await Promise.all(Array.from({ length: worldSize }, (_, rank) => read(rank)));
process.stdout.write(`${JSON.stringify({ sampleCount: counts.reduce((sum, count) => sum + count, 0) })}\n`);

async function read(rank: number): Promise<number> {
  await using client = new Client({ address, token });
  let count = 0;
  for await (const batch of client.stream({ snapshot }, { plan, rank, worldSize }).batches()) count += batch.length;
  return count;
}
