import { createHash, hash } from "node:crypto";
import { StoredWeightTablePart } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { weightTablePartKey } from "../keys.ts";

/** Copies of one sample in an epoch, at most: what more its weight would give is left out. */
const MAX_COPIES = 255;
/** Samples of one stored part. */
const PART_SAMPLES = 65_536;

/** How often each sample comes in an epoch. */
export interface WeightTable {
  /** SHA-256 over the copies. */
  readonly digest: Uint8Array;
  readonly copies: Uint8Array;
}

/**
 * Copies in proportion to weights: with n samples, total weight W and u drawn from seed and epoch, sample i has
 * ⌊(n (w₀ + … + wᵢ) + u) / W⌋ − ⌊(n (w₀ + … + wᵢ₋₁) + u) / W⌋ of them, n in all unless one would have more than 255 (systematic sampling; Madow and Madow, "On the Theory of
 * Systematic Sampling", 1944). Each sample's number differs from n w / W by less than one. All zero where W is.
 * @param parts weights as integers, part by part, read twice
 */
export async function copiesOf(
  parts: () => Iterable<Uint32Array>,
  count: number,
  seed: bigint,
  epoch: number,
): Promise<Uint8Array> {
  let total = 0n;
  for (const part of parts()) {
    for (const weight of part) total += BigInt(weight);
    await nextTurn();
  }
  const copies = new Uint8Array(count);
  if (total === 0n) return copies;
  const factor = BigInt(count);
  let [sample, rest] = [0, drawBelow(total, seed, epoch)];
  for (const part of parts()) {
    for (const weight of part) {
      rest += factor * BigInt(weight);
      const whole = rest < total ? 0n : rest / total;
      rest -= whole * total;
      copies[sample++] = Math.min(Number(whole), MAX_COPIES);
    }
    await nextTurn();
  }
  return copies;
}

export function weightTableOf(copies: Uint8Array): WeightTable {
  return { digest: hash("sha256", copies, "buffer"), copies };
}

/** Idempotent. */
export async function putWeightTable(store: Store, tenant: TenantId, { digest, copies }: WeightTable): Promise<void> {
  for (let part = 0; part * PART_SAMPLES < copies.length; part += 1) {
    const key = weightTablePartKey(digest, part);
    if ((await store.get(tenant, key)) !== undefined) continue;
    const slice = copies.subarray(part * PART_SAMPLES, (part + 1) * PART_SAMPLES);
    await store.commit(tenant, [{ put: key, value: encoded(StoredWeightTablePart, { copies: slice }) }]);
  }
}

/** Undefined where a part is missing. */
export async function getWeightTable(
  store: Store,
  tenant: TenantId,
  digest: Uint8Array,
  count: number,
): Promise<WeightTable | undefined> {
  const copies = new Uint8Array(count);
  for (let part = 0; part * PART_SAMPLES < count; part += 1) {
    const entry = await store.get(tenant, weightTablePartKey(digest, part));
    if (entry === undefined) return undefined;
    copies.set(StoredWeightTablePart.decode(entry.value).copies, part * PART_SAMPLES);
  }
  return { digest, copies };
}

/** A number below `total` that seed and epoch give. */
function drawBelow(total: bigint, seed: bigint, epoch: number): bigint {
  const numbers = Buffer.alloc(12);
  numbers.writeBigUInt64LE(seed, 0);
  numbers.writeUInt32LE(epoch, 8);
  const digest = createHash("sha256").update("loraloop sampling").update(numbers).digest("hex");
  return BigInt(`0x${digest}`) % total;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
