import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredAdapter, StoredVersion, StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { Micros, Mutation, TenantId } from "../../store/store.ts";
import {
  adapterKey,
  type VersionName,
  versionKey,
  versionOfBaseKey,
  versionOfParentKey,
  versionOfRunKey,
  versionOfSnapshotKey,
  versionStateKey,
} from "../keys.ts";
import { adapterDeleted } from "./adapter-errors.ts";
import { type MeasuredValue, metricMutations } from "./metric-values.ts";
import { parseVersionName } from "./names.ts";
import { findAdapter, isDeleted, type KeptAdapter, type Reader } from "./stored-adapters.ts";

/** A version that is to be made. */
export interface NewVersion {
  /** As clients see it; its name and what can change do not count. */
  readonly version: AdapterVersion;
  readonly state: StoredVersionState;
  /** Id of the request; empty for none. */
  readonly request: string;
}

export interface NewVersions {
  readonly adapter: string;
  /** Id of the token, for an adapter that is not there yet. */
  readonly creator: string;
  readonly now: Micros;
  /** In the order of their numbers. */
  readonly versions: readonly NewVersion[];
}

/** What a commit must hold so that an adapter gets versions. */
export interface PlannedVersions extends Changes {
  readonly names: readonly VersionName[];
}

/** Plans the next versions of an adapter, which is made where it is not there. Rejects with ADAPTER_NOT_FOUND where it is deleted. */
export async function planVersions(
  store: Reader,
  tenant: TenantId,
  { adapter: name, creator, now, versions }: NewVersions,
): Promise<PlannedVersions> {
  const adapter = await findAdapter(store, tenant, name);
  if (adapter !== undefined && isDeleted(adapter)) throw adapterDeleted(name);
  const stored = adapter?.stored ?? newAdapter(creator, now);
  const names = versions.map((_, place) => ({ adapter: name, version: stored.latestVersion + place + 1 }));
  const latestVersion = stored.latestVersion + versions.length;
  return {
    names,
    mutations: [
      { put: adapterKey(name), value: encoded(StoredAdapter, { ...stored, latestVersion }) },
      ...versions.flatMap((version, place) => versionMutations(names[place] as VersionName, version)),
    ],
    expectations: [{ key: adapterKey(name), revision: adapter?.revision ?? 0n }],
  };
}

/** An adapter without versions, put now. */
export function newAdapter(creator: string, now: Micros): KeptAdapter["stored"] {
  return StoredAdapter.create({ createTimeMicros: now, updateTimeMicros: now, creator });
}

function versionMutations(name: VersionName, { version, state, request }: NewVersion): Mutation[] {
  const stored = encoded(StoredVersion, { version, request });
  return [
    { put: versionKey(name), value: stored },
    { put: versionStateKey(name), value: encoded(StoredVersionState, state) },
    ...originKeys(name, version).map((put) => ({ put, value: new Uint8Array() })),
    ...metricMutations(name, firstValues(state)),
  ];
}

/** Where the version is found by what it came from. */
function originKeys(name: VersionName, { provenance, baseModel }: AdapterVersion): Uint8Array[] {
  const { run = "", snapshots = [], parent = "" } = provenance ?? {};
  return [
    ...(run === "" ? [] : [versionOfRunKey(run, name)]),
    ...snapshots.map(({ snapshot }) => versionOfSnapshotKey(Buffer.from(snapshot, "hex"), name)),
    ...(parent === "" ? [] : [versionOfParentKey(parseVersionName(parent), name)]),
    ...(baseModel === undefined ? [] : [versionOfBaseKey(baseModel.name, baseModel.revision, name)]),
  ];
}

function firstValues({ metrics }: StoredVersionState): MeasuredValue[] {
  return Object.entries(metrics).map(([metric, summary]) => ({ metric, ...summary, source: "" }));
}
