import type { Adapter, Alias, AliasMove } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { StoredAliasMove } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Revision, TenantId } from "../../store/store.ts";
import { aliasesOf, type KeptAlias } from "./aliases.ts";
import type { KeptAdapter, Reader } from "./stored-adapters.ts";

/** An adapter as clients see it, with its aliases. */
export async function showAdapter(
  store: Reader,
  tenant: TenantId,
  { name, stored, revision }: KeptAdapter,
  at?: Revision,
): Promise<Adapter> {
  const aliases = await aliasesOf(store, tenant, name, at);
  const { description, metadata, latestVersion, creator, deleteTimeMicros } = stored;
  return {
    name,
    description,
    metadata,
    latestVersion,
    aliases: aliases.filter(({ stored: { version } }) => version !== 0).map(shownAlias),
    createTime: toTimestamp(stored.createTimeMicros),
    updateTime: toTimestamp(stored.updateTimeMicros),
    deleteTime: deleteTimeMicros === 0n ? undefined : toTimestamp(deleteTimeMicros),
    creator,
    revision,
  };
}

function shownAlias({ adapter, alias, stored, revision }: KeptAlias): Alias {
  return { adapter, alias, version: stored.version, revision, updateTime: toTimestamp(stored.updateTimeMicros) };
}

/** A move of an alias with the commit that made it. */
export interface KeptMove {
  readonly adapter: string;
  readonly alias: string;
  readonly stored: StoredAliasMove;
  readonly revision: Revision;
}

/** A move as clients see it. */
export function shownMove({ adapter, alias, stored, revision }: KeptMove): AliasMove {
  const { timeMicros, ...move } = stored;
  return { adapter, alias, ...move, revision, time: toTimestamp(timeMicros) };
}
