import { uint64 } from "../../store/key-parts.ts";
import type { Expectation, Mutation, TenantId } from "../../store/store.ts";
import { adapterChildrenKey, adapterUseKey } from "../keys.ts";
import type { Reader } from "./stored-adapters.ts";

/**
 * Who uses an adapter's versions cannot be expected of a commit, for nobody knows all their keys. So whatever begins to use one writes a key of
 * the adapter, which a deletion expects to be as it was when it looked for uses: an alias one that counts its moves, a child another, of which it
 * expects nothing, so that any number of children are made at once.
 */
export interface AdapterUse {
  readonly adapter: string;
  /** Moves of its aliases so far. */
  readonly moves: bigint;
  /** That no alias moved since it was read. */
  readonly expectation: Expectation;
}

export async function readUse(store: Reader, tenant: TenantId, adapter: string): Promise<AdapterUse> {
  const key = adapterUseKey(adapter);
  const entry = await store.get(tenant, key);
  const moves = entry === undefined ? 0n : Buffer.from(entry.value).readBigUInt64BE();
  return { adapter, moves, expectation: { key, revision: entry?.revision ?? 0n } };
}

/** Written by an alias that moves. */
export function writtenUse({ adapter, moves }: Pick<AdapterUse, "adapter" | "moves">): Mutation {
  return { put: adapterUseKey(adapter), value: uint64(moves) };
}

/** Written by what becomes the child of a version. */
export function writtenChild(adapter: string): Mutation {
  return { put: adapterChildrenKey(adapter), value: new Uint8Array() };
}

/** That nobody began to use a version since this was read; for a deletion, which reads it before it looks for uses. */
export function expectNoNewUse(store: Reader, tenant: TenantId, adapter: string): Promise<Expectation[]> {
  const keys = [adapterUseKey(adapter), adapterChildrenKey(adapter)];
  return Promise.all(keys.map(async (key) => ({ key, revision: (await store.get(tenant, key))?.revision ?? 0n })));
}
