import { StoredAlias, StoredAliasMove } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { Micros, Revision, TenantId } from "../../store/store.ts";
import { aliasHistoryKey, aliasKey, aliasMoveKey } from "../keys.ts";
import { aliasConflict } from "./adapter-errors.ts";
import { type AdapterUse, writtenUse } from "./adapter-use.ts";
import { aliasesOf, findAlias, type KeptAlias } from "./aliases.ts";
import type { KeptMove } from "./shown-adapter.ts";
import type { Reader } from "./stored-adapters.ts";

export interface AliasMoveRequest {
  readonly adapter: string;
  readonly alias: string;
  /** Number of the version; 0 to remove the alias. */
  readonly version: number;
  /** What the alias's revision must be, 0 for none; not checked where absent. */
  readonly expectedRevision: Revision | undefined;
  readonly reason: string;
  /** Id of the token. */
  readonly actor: string;
}

/** What a commit must hold so that an alias moves; `use` is written too. */
export interface PlannedMove extends Changes {
  /** The move, once its commit is known. */
  made(revision: Revision): KeptMove;
}

/** The alias as it is, checked against what the caller expects. Rejects with ALIAS_CONFLICT. */
export async function expectedAlias(
  store: Reader,
  tenant: TenantId,
  { adapter, alias, expectedRevision: expected }: AliasMoveRequest,
): Promise<KeptAlias | undefined> {
  const current = await findAlias(store, tenant, adapter, alias);
  const actual = current === undefined || current.stored.version === 0 ? 0n : current.revision;
  if (expected !== undefined && expected !== actual) throw aliasConflict({ adapter, alias, expected, actual });
  return current;
}

/** Plans a move away from `current`. Rejects with LIMIT_EXCEEDED (adapter_aliases). */
export async function planMove(
  store: Reader,
  tenant: TenantId,
  request: AliasMoveRequest,
  { current, use, now }: { readonly current: KeptAlias | undefined; readonly use: AdapterUse; readonly now: Micros },
): Promise<PlannedMove> {
  const { adapter, alias, version, actor, reason } = request;
  if (current === undefined) await checkAliasCount(store, tenant, adapter);
  const moveCount = (current?.stored.moveCount ?? 0n) + 1n;
  const moved: StoredAlias = { version, moveCount, updateTimeMicros: now };
  const fromVersion = current?.stored.version ?? 0;
  const stored: StoredAliasMove = { timeMicros: now, actor, fromVersion, toVersion: version, reason };
  const moves = use.moves + 1n;
  const moveKey = aliasMoveKey(adapter, alias, moveCount);
  return {
    mutations: [
      { put: aliasKey(adapter, alias), value: encoded(StoredAlias, moved) },
      { put: moveKey, value: encoded(StoredAliasMove, stored) },
      { put: aliasHistoryKey(adapter, moves), value: moveKey },
      writtenUse({ adapter, moves }),
    ],
    expectations: [{ key: aliasKey(adapter, alias), revision: current?.revision ?? 0n }, use.expectation],
    made: (revision) => ({ adapter, alias, stored, revision }),
  };
}

async function checkAliasCount(store: Reader, tenant: TenantId, adapter: string): Promise<void> {
  const count = (await aliasesOf(store, tenant, adapter)).length + 1;
  if (count > limits.adapter_aliases) {
    throw limitExceeded("adapter_aliases", count, "The number of the adapter's aliases, removed ones too,");
  }
}
