import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { StoredArtifact } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Expectation, Micros, Mutation, Revision, Store, StoreReader, TenantId } from "../../store/store.ts";
import { artifactKey, artifactUseKey, prefixRange, type VersionName } from "../keys.ts";
import { artifactBeingRemoved, artifactNotFound } from "./artifact-errors.ts";

/** For how long an artifact that no version names is kept. */
export const UNUSED_MICROS: Micros = 24n * 3_600n * 1_000_000n;

/** Within this time whoever began a removal has ended it, or was ended. */
const removalMicros = 10n * 60n * 1_000_000n;

interface Found {
  readonly stored: StoredArtifact;
  readonly revision: Revision;
}

/** What the registry keeps under a digest. Throws ARTIFACT_NOT_FOUND, also where it was found damaged: then it has to be sent again. */
export async function findArtifact(store: StoreReader, tenant: TenantId, digest: string): Promise<Artifact> {
  return (await findKept(store, tenant, digest)).stored.artifact as Artifact;
}

/**
 * What makes a version a user of a kept artifact, from the commit on: it is not removed while it has users. Where it had none it writes the artifact
 * too, so that no removal comes between; users of one that is in use do not hurt each other. Throws ARTIFACT_NOT_FOUND.
 */
export async function useArtifact(
  store: StoreReader,
  tenant: TenantId,
  digest: string,
  version: VersionName,
): Promise<Changes> {
  const { stored, revision } = await findKept(store, tenant, digest);
  const use = { put: artifactUseKey(bytesOf(digest), version), value: new Uint8Array() };
  if (stored.unusedTimeMicros !== 0n) return changes(digest, revision, { ...stored, unusedTimeMicros: 0n }, [use]);
  return { mutations: [use], expectations: [{ key: artifactKey(bytesOf(digest)), revision }] };
}

/** What ends that; without other users the artifact goes after 24 hours. Nothing where it is gone already. */
export async function releaseArtifact(
  store: StoreReader,
  tenant: TenantId,
  digest: string,
  version: VersionName,
  now: Micros,
): Promise<Changes> {
  const use = artifactUseKey(bytesOf(digest), version);
  const found = await find(store, tenant, digest);
  if (found === undefined) return { mutations: [{ delete: use }], expectations: [] };
  const users = await store.scan(tenant, usesOf(digest), { limit: 2 });
  const isLast = users.entries.every(({ key }) => Buffer.compare(key, use) === 0);
  const unusedTimeMicros = isLast ? now : found.stored.unusedTimeMicros;
  return changes(digest, found.revision, { ...found.stored, unusedTimeMicros }, [{ delete: use }]);
}

/**
 * Runs `put`, which puts the files in their place, and says then that the artifact is kept; where it was, that it is wanted again. The store
 * knows of it before `put`, so that no removal comes between, of files that lie there already either. Throws CONFLICT while it is being removed.
 */
export function keepArtifact(
  store: Store,
  tenant: TenantId,
  artifact: Artifact,
  now: Micros,
  put: () => Promise<void>,
): Promise<Artifact> {
  return retryAborted(async () => {
    const { stored, revision } = await findOrAnnounce(store, tenant, artifact.digest, now);
    if (isRemoving(stored)) throw artifactBeingRemoved(artifact.digest);
    await put();
    const unusedTimeMicros = stored.unusedTimeMicros === 0n ? 0n : now;
    const kept = { ...stored, artifact, unusedTimeMicros, damaged: false };
    await write(store, tenant, artifact.digest, { revision, stored: kept });
    return artifact;
  });
}

/** Expecting at the end that the store knows nothing would not do: a removal may begin and end while the files are put in their place. */
async function findOrAnnounce(store: Store, tenant: TenantId, digest: string, now: Micros): Promise<Found> {
  const found = await find(store, tenant, digest);
  if (found !== undefined) return found;
  const announced = unknown(now);
  return { ...announced, revision: await write(store, tenant, digest, announced) };
}

/** Says that an artifact's files are not what they were: whoever has them may send them again. Nothing where it is gone already. */
export function markDamaged(store: Store, tenant: TenantId, digest: string): Promise<void> {
  return retryAborted(async () => {
    const found = await find(store, tenant, digest);
    if (found === undefined || found.stored.damaged) return;
    await write(store, tenant, digest, { ...found, stored: { ...found.stored, damaged: true } });
  });
}

/** Begins a removal where no version has used the artifact for 24 hours, or an earlier removal was broken off. Returns what must still be so when it ends. */
export function markRemoved(
  store: Store,
  tenant: TenantId,
  digest: string,
  now: Micros,
): Promise<Expectation | undefined> {
  return retryAborted(async () => {
    const found = await find(store, tenant, digest);
    if (found === undefined || !(await isRemovable(store, tenant, digest, found.stored, now))) return undefined;
    return mark(store, tenant, digest, found, now);
  });
}

/** As `markRemoved`, where the store does not know the artifact. */
export function markUnknownRemoved(
  store: Store,
  tenant: TenantId,
  digest: string,
  now: Micros,
): Promise<Expectation | undefined> {
  return retryAborted(async () => {
    const found = await find(store, tenant, digest);
    return found === undefined ? mark(store, tenant, digest, unknown(now), now) : undefined;
  });
}

async function mark(
  store: Store,
  tenant: TenantId,
  digest: string,
  { stored, revision }: Found,
  now: Micros,
): Promise<Expectation> {
  const marked = { revision, stored: { ...stored, removeTimeMicros: now } };
  return { key: artifactKey(bytesOf(digest)), revision: await write(store, tenant, digest, marked) };
}

async function isRemovable(
  store: StoreReader,
  tenant: TenantId,
  digest: string,
  { unusedTimeMicros, removeTimeMicros }: StoredArtifact,
  now: Micros,
): Promise<boolean> {
  if (removeTimeMicros !== 0n) return now - removeTimeMicros >= removalMicros;
  if (unusedTimeMicros === 0n || now - unusedTimeMicros < UNUSED_MICROS) return false;
  return (await store.scan(tenant, usesOf(digest), { limit: 1 })).entries.length === 0;
}

async function findKept(store: StoreReader, tenant: TenantId, digest: string): Promise<Found> {
  const found = await find(store, tenant, digest);
  if (found?.stored.artifact === undefined || isRemoving(found.stored) || found.stored.damaged) {
    throw artifactNotFound(digest);
  }
  return found;
}

async function find(store: StoreReader, tenant: TenantId, digest: string): Promise<Found | undefined> {
  const entry = await store.get(tenant, artifactKey(bytesOf(digest)));
  return entry && { stored: StoredArtifact.decode(entry.value), revision: entry.revision };
}

function changes(digest: string, revision: Revision, stored: StoredArtifact, more: readonly Mutation[]): Changes {
  const key = artifactKey(bytesOf(digest));
  return {
    mutations: [{ put: key, value: encoded(StoredArtifact, stored) }, ...more],
    expectations: [{ key, revision }],
  };
}

/** Writes an artifact over what was found. Rejects with Aborted where that is another one by now. */
async function write(store: Store, tenant: TenantId, digest: string, { revision, stored }: Found): Promise<Revision> {
  const { mutations, expectations } = changes(digest, revision, stored, []);
  return (await store.commit(tenant, mutations, expectations)).revision;
}

/** One that the store does not know yet. */
function unknown(now: Micros): Found {
  return {
    revision: 0n,
    stored: StoredArtifact.create({ createTimeMicros: now, unusedTimeMicros: now }),
  };
}

function isRemoving({ removeTimeMicros }: StoredArtifact): boolean {
  return removeTimeMicros !== 0n;
}

const usesOf = (digest: string) => prefixRange("artifact-use/", bytesOf(digest));

function bytesOf(digest: string): Uint8Array {
  return Buffer.from(digest, "hex");
}
