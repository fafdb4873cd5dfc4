import { uint64 } from "../../store/key-parts.ts";
import type { Expectation, Mutation, TenantId } from "../../store/store.ts";
import { adapterUseKey } from "../keys.ts";
import type { Reader } from "./stored-adapters.ts";

/**
 * Who uses an adapter's versions cannot be expected of a commit, for nobody knows all their keys. So whatever begins to use one writes one key of
 * the adapter, which a deletion expects to be as it was when it looked for uses.
 */
export interface AdapterUse {
  readonly adapter: string;
  /** Moves of its aliases so far. */
  readonly moves: bigint;
  /** That nobody began to use a version since it was read. */
  readonly expectation: Expectation;
}

export async function readUse(store: Reader, tenant: TenantId, adapter: string): Promise<AdapterUse> {
  const key = adapterUseKey(adapter);
  const entry = await store.get(tenant, key);
  const moves = entry === undefined ? 0n : Buffer.from(entry.value).readBigUInt64BE();
  return { adapter, moves, expectation: { key, revision: entry?.revision ?? 0n } };
}

/** Written by what begins to use a version. */
export function writtenUse({ adapter, moves }: Pick<AdapterUse, "adapter" | "moves">): Mutation {
  return { put: adapterUseKey(adapter), value: uint64(moves) };
}
