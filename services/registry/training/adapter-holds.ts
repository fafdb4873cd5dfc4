import type { TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersion, StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { limits } from "../../kit/limits.ts";
import { Slices } from "../../kit/slices.ts";
import { entries } from "../../store/entries.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { SortedReader } from "../adapters/sorted-reader.ts";
import type { RegistryContext } from "../context.ts";
import { prefixRange, type VersionName, versionNameAt, versionStateKey } from "../keys.ts";
import { snapshotGone } from "./export-errors.ts";
import { holdForVersion, isRefusal, type Owner } from "./holds.ts";
import { PendingHold } from "./pending-hold.ts";

/** A version and what it was trained on. */
interface TrainedVersion {
  readonly name: VersionName;
  readonly snapshots: readonly TrainingSnapshot[];
}

/**
 * Brings an adapter back while the snapshots of all its versions are held, but for those of versions that were deleted by themselves, and holds them for the versions then. Rejects as
 * `whileHeld` does, naming the version. However many versions there are, a page of them is in memory.
 */
export async function whileAllHeld<Restored>(
  context: RegistryContext,
  owner: Owner,
  { adapter, signal }: { readonly adapter: string; readonly signal: AbortSignal },
  restore: () => Promise<Restored>,
): Promise<Restored> {
  const pending = new PendingHold(context, owner, signal);
  let restored: Restored;
  const versions = () => trainedVersions(context.store, owner.tenant, adapter);
  try {
    for await (const snapshots of batches(versions())) await holdBatch(pending, snapshots);
    restored = await restore();
  } catch (error) {
    if (isRefusal(error)) await pending.release();
    throw error;
  }
  for await (const { name, snapshots } of versions()) {
    // Else it stays until the reconciler has held the rest.
    if (!(await holdForVersion(context, owner, name, snapshots))) return restored;
  }
  await pending.release();
  return restored;
}

/** Snapshots that are held together, each with a version that was trained on it. */
type Batch = ReadonlyMap<string, VersionName>;

async function holdBatch(pending: PendingHold, batch: Batch): Promise<void> {
  try {
    await pending.hold([...batch.keys()]);
  } catch (error) {
    const remedy =
      "DeleteVersion of that version, after that of the versions that were trained from it, lets the adapter come back without it.";
    throw snapshotGone(error, (snapshot) => batch.get(snapshot), remedy);
  }
}

async function* batches(versions: AsyncIterable<TrainedVersion>): AsyncGenerator<Batch> {
  let batch = new Map<string, VersionName>();
  for await (const { name, snapshots } of versions) {
    if (batch.size + snapshots.length > limits.held_snapshots) {
      yield batch;
      batch = new Map();
    }
    for (const { snapshot } of snapshots) batch.set(snapshot, name);
  }
  yield batch;
}

/** Versions of an adapter that were trained on snapshots and not deleted by themselves. */
async function* trainedVersions(store: Store, tenant: TenantId, adapter: string): AsyncGenerator<TrainedVersion> {
  const range = prefixRange("version/", adapter, "\0");
  const { revision: at } = await store.head(tenant);
  const states = new SortedReader(store, tenant, { end: prefixRange("version-state/").end, at, limit: statesOfPage });
  const slices = new Slices();
  for await (const { key, value } of entries(store, tenant, range)) {
    await slices.done(value.length);
    const snapshots = StoredVersion.decode(value).version?.provenance?.snapshots ?? [];
    if (snapshots.length === 0) continue;
    const name = versionNameAt(key, nameStart);
    const state = await states.find(versionStateKey(name));
    if (state === undefined || StoredVersionState.decode(state.value).deleteTimeMicros !== 0n) continue;
    yield { name, snapshots };
  }
}

const nameStart = "version/".length;
const statesOfPage = 100;
