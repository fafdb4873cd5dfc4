import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersionName } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { encoded } from "../../kit/encoded.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Expectation, Micros, Mutation } from "../../store/store.ts";
import { type NewVersion, planVersions } from "../adapters/new-versions.ts";
import { listedVersion, showVersion } from "../adapters/shown-version.ts";
import { getVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import type { RegistryContext } from "../context.ts";
import { declaredVersion } from "../interchange/declared-version.ts";
import type { ImportedEntry } from "../interchange/read-document.ts";
import { importedKey, type VersionName } from "../keys.ts";

/**
 * Makes a STATE_DECLARED version of each entry that was not imported before, all in one commit, and gives the versions of all entries in their order, as
 * of ListVersions. With `validateOnly` nothing is kept. Rejects with ADAPTER_NOT_FOUND where an adapter is deleted, LIMIT_EXCEEDED (`version_bytes`,
 * `import_stored_bytes`).
 */
export function importVersions(
  context: RegistryContext,
  caller: Caller,
  entries: readonly ImportedEntry[],
  validateOnly: boolean,
): Promise<AdapterVersion[]> {
  const { store } = context;
  const { tenant } = caller;
  const attempt = async (): Promise<AdapterVersion[]> => {
    const versions = await importedBefore(context, caller, entries);
    const { mutations, expectations, made } = await planImport(
      context,
      caller,
      entries.filter(({ digest }) => !versions.has(digest)),
    );
    const keeps = mutations.length > 0 && !validateOnly;
    const { revision } = keeps ? await store.commit(tenant, mutations, expectations) : { revision: 0n };
    for (const [digest, version] of made) versions.set(digest, { ...version, revision });
    const shown = entries.map(({ digest }) => showVersion(store, tenant, versions.get(digest) as KeptVersion));
    return (await Promise.all(shown)).map(listedVersion);
  };
  const adapters = new Set(entries.map(({ version }) => `${tenant}/${version.adapter}`));
  return context.turns.takeAll([...adapters], () => retryAborted(attempt));
}

/** The versions that entries made when they were imported first, by the entry's digest. */
async function importedBefore(
  { store }: RegistryContext,
  { tenant }: Caller,
  entries: readonly ImportedEntry[],
): Promise<Map<string, KeptVersion>> {
  const versions = new Map<string, KeptVersion>();
  for (const { digest } of entries) {
    const entry = await store.get(tenant, importedKey(Buffer.from(digest, "hex")));
    if (entry === undefined) continue;
    versions.set(digest, await getVersion(store, tenant, StoredVersionName.decode(entry.value)));
  }
  return versions;
}

interface PlannedImport {
  /** By the entry's digest. */
  readonly made: ReadonlyMap<string, KeptVersion>;
  readonly mutations: readonly Mutation[];
  readonly expectations: readonly Expectation[];
}

/** Plans a version for each entry; the same entry twice makes one. */
async function planImport(
  context: RegistryContext,
  caller: Caller,
  entries: readonly ImportedEntry[],
): Promise<PlannedImport> {
  const now = context.clock.now();
  const made = new Map<string, KeptVersion>();
  const mutations: Mutation[] = [];
  const expectations: Expectation[] = [];
  let bytes = 0;
  const unique = new Map(entries.map((entry) => [entry.digest, entry]));
  for (const ofAdapter of Map.groupBy(unique.values(), ({ version }) => version.adapter).values()) {
    const plan = await planAdapter(context, caller, ofAdapter, now);
    bytes += bytesOf(plan.mutations);
    if (bytes > limits.import_stored_bytes) throw limitExceeded("import_stored_bytes", bytes, "What the import keeps");
    mutations.push(...plan.mutations);
    expectations.push(...plan.expectations);
    for (const [digest, version] of plan.made) made.set(digest, version);
  }
  return { made, mutations, expectations };
}

/** As `planImport`, for entries of one adapter. */
async function planAdapter(
  { store }: RegistryContext,
  { tenant, tokenId }: Caller,
  entries: readonly ImportedEntry[],
  now: Micros,
): Promise<PlannedImport> {
  const adapter = entries[0]?.version.adapter ?? "";
  const versions = entries.map(({ version }) => declaredVersion(version, tokenId, now));
  const plan = await planVersions(store, tenant, { adapter, creator: tokenId, now, versions });
  const made = entries.map(({ digest }, place): [string, KeptVersion] => {
    const { version, state } = versions[place] as NewVersion;
    return [digest, { name: plan.names[place] as VersionName, stored: { version, request: "" }, state, revision: 0n }];
  });
  const keys = made.map(([digest, { name }]) => ({ key: importedKey(Buffer.from(digest, "hex")), name }));
  const names = keys.map(({ key, name }) => ({ put: key, value: encodeName(name) }));
  return {
    made: new Map(made),
    mutations: [...plan.mutations, ...names],
    expectations: [...plan.expectations, ...keys.map(({ key }) => ({ key, revision: 0n }))],
  };
}

function encodeName(name: VersionName): Uint8Array {
  return encoded(StoredVersionName, StoredVersionName.create(name));
}

function bytesOf(mutations: readonly Mutation[]): number {
  return mutations.reduce(
    (sum, one) => sum + ("put" in one ? one.put.length + one.value.length : one.delete.length),
    0,
  );
}
