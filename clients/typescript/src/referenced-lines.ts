import type { ReferenceBatch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { BlockCache } from "./block-cache.ts";
import type { LinePlace } from "./block-store.ts";
import { TruncatedStreamError } from "./errors.ts";
import type { BatchContent } from "./sample-batch.ts";

/** Blocks that are fetched at a time, each up to 32 MiB. */
const parallelFetches = 4;

export type FetchBlock = (digest: Uint8Array) => Promise<Uint8Array>;

/** Gathers the lines that a frame refers to. */
export async function resolveReferences(
  batch: ReferenceBatch,
  cache: BlockCache,
  fetch: FetchBlock,
): Promise<BatchContent> {
  const lines = Buffer.allocUnsafeSlow(batch.lengths.reduce((sum, length) => sum + length, 0));
  const wanted = placesOf(batch).entries();
  const work = async (): Promise<void> => {
    for (const [block, places] of wanted) {
      const digest = batch.blockDigests[block] as Uint8Array;
      await cache.copy(Buffer.from(digest).toString("hex"), places, lines, () => fetch(digest));
    }
  };
  await Promise.all(Array.from({ length: parallelFetches }, work));
  return { lines, ids: batch.ids, weightsMicros: batch.weightsMicros, indexRuns: batch.indexRuns };
}

/** For each block, which lines of it go where; lines that lie side by side as one. */
function placesOf({ blockDigests, blocks, offsets, lengths, ids }: ReferenceBatch): LinePlace[][] {
  if (new Set([blocks.length, offsets.length, lengths.length, ids.length]).size > 1) {
    throw new TruncatedStreamError(`A batch of ${ids.length} samples has ${lengths.length} references.`);
  }
  const places: LinePlace[][] = blockDigests.map(() => []);
  let target = 0;
  for (const [sample, block] of blocks.entries()) {
    const [offset, length] = [offsets[sample] as number, lengths[sample] as number];
    const known = places[block];
    if (known === undefined)
      throw new TruncatedStreamError(`A reference names block ${block}, which the batch does not have.`);
    const last = known.at(-1);
    if (last && last.offset + last.length === offset && last.target + last.length === target) {
      known[known.length - 1] = { ...last, length: last.length + length };
    } else known.push({ offset, length, target });
    target += length;
  }
  return places;
}
