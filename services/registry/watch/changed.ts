import type { WatchAdaptersResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Change, Key, TenantId } from "../../store/store.ts";
import { toMove } from "../adapters/alias-moves.ts";
import { showAdapter, shownMove } from "../adapters/shown-adapter.ts";
import { listedVersion, showVersion } from "../adapters/shown-version.ts";
import { findAdapter, type Reader } from "../adapters/stored-adapters.ts";
import { findVersion } from "../adapters/stored-versions.ts";
import { versionNameAt } from "../keys.ts";

type Shown = NonNullable<WatchAdaptersResponse["change"]>;

interface Kind {
  readonly prefix: string;
  /** The adapter that a key is about. */
  adapterOf(key: Key): string;
  /** What changed, as it was at its revision. */
  show(store: Reader, tenant: TenantId, change: Change): Promise<Shown | undefined>;
}

/** What a watch sends; a version is made together with its state. */
const kinds: readonly Kind[] = [
  {
    prefix: "adapter/",
    adapterOf: (key) => textFrom(key, "adapter/"),
    async show(store, tenant, { key, revision }) {
      const adapter = await findAdapter(store, tenant, textFrom(key, "adapter/"), revision);
      return adapter && { $case: "adapter", value: await showAdapter(store, tenant, adapter, revision) };
    },
  },
  {
    prefix: "version-state/",
    adapterOf: (key) => versionNameAt(key, "version-state/".length).adapter,
    async show(store, tenant, { key, revision }) {
      const version = await findVersion(store, tenant, versionNameAt(key, "version-state/".length), revision);
      if (version === undefined) return undefined;
      return { $case: "version", value: listedVersion(await showVersion(store, tenant, version, revision)) };
    },
  },
  {
    prefix: "alias-move/",
    adapterOf: (key) => textFrom(key, "alias-move/").split("\0")[0] ?? "",
    async show(store, tenant, { key, revision }) {
      const entry = await store.get(tenant, key, revision);
      return entry && { $case: "aliasMove", value: shownMove(toMove(entry)) };
    },
  },
];

/** What a change of the store is to those who watch; undefined where they do not see it. @param adapter the only one that is watched; empty for all */
export async function shownChange(
  store: Reader,
  tenant: TenantId,
  change: Change,
  adapter: string,
): Promise<WatchAdaptersResponse | undefined> {
  const { key, revision, ordinal } = change;
  const kind = kinds.find(({ prefix }) => startsWith(key, prefix));
  if (kind === undefined || (adapter !== "" && kind.adapterOf(key) !== adapter)) return undefined;
  const shown = await kind.show(store, tenant, change);
  return shown && { revision, ordinal, change: shown };
}

function startsWith(key: Key, prefix: string): boolean {
  return textOf(key).startsWith(prefix);
}

function textFrom(key: Key, prefix: string): string {
  return textOf(key).slice(prefix.length);
}

/** Names of adapters and aliases are ASCII. */
function textOf(key: Key): string {
  return Buffer.from(key).toString("latin1");
}
