import type { AliasMove } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Key, TenantId } from "../../store/store.ts";
import { adapterNotFound } from "../adapters/adapter-errors.ts";
import { type ListMoves, movesOfAdapter, movesOfAlias, toMove } from "../adapters/alias-moves.ts";
import { shownMove } from "../adapters/shown-adapter.ts";
import { findAdapter, type Reader } from "../adapters/stored-adapters.ts";

export interface MovePage {
  /** Newest first. */
  readonly moves: AliasMove[];
  readonly next: Key | undefined;
}

/** Moves of an alias, or of all aliases where it is empty; also of a deleted adapter. Rejects with ADAPTER_NOT_FOUND. */
export async function listAliasMoves(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  list: ListMoves,
): Promise<MovePage> {
  if ((await findAdapter(store, tenant, list.adapter)) === undefined) throw adapterNotFound(list.adapter);
  const { entries, next } = await (list.alias === "" ? movesOfAdapter : movesOfAlias)(store, tenant, list);
  return { moves: entries.map((entry) => shownMove(toMove(entry))), next };
}
