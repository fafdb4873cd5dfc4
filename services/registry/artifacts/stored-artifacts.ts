import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { StoredArtifact } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Expectation, Micros, Mutation, Revision, Store, StoreReader, TenantId } from "../../store/store.ts";
import { artifactKey, artifactUseKey, prefixRange, type VersionName } from "../keys.ts";
import { artifactNotFound } from "./artifact-errors.ts";

/** For how long an artifact that no version names is kept. */
export const UNUSED_MICROS: Micros = 24n * 3_600n * 1_000_000n;

/** Within this time whoever began a removal has ended it, or was ended. */
const removalMicros = 10n * 60n * 1_000_000n;

interface Found {
  readonly stored: StoredArtifact;
  readonly revision: Revision;
}

/** What the registry keeps under a digest. Throws ARTIFACT_NOT_FOUND. */
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
 * Runs `put`, which puts the files in their place, and says then that the artifact is kept; where it was, that it is wanted again. No
 * removal comes between. Throws CONFLICT while it is being removed.
 */
export function keepArtifact(
  store: Store,
  tenant: TenantId,
  artifact: Artifact,
  now: Micros,
  put: () => Promise<void>,
): Promise<Artifact> {
  return retryAborted(async () => {
    const found = await find(store, tenant, artifact.digest);
    if (found !== undefined && isRemoving(found.stored)) throw beingRemoved(artifact.digest);
    await put();
    const isUsed = found?.stored.unusedTimeMicros === 0n;
    const stored: StoredArtifact = {
      artifact,
      createTimeMicros: found?.stored.createTimeMicros ?? now,
      unusedTimeMicros: isUsed ? 0n : now,
      removeTimeMicros: 0n,
    };
    const { mutations, expectations } = changes(artifact.digest, found?.revision ?? 0n, stored, []);
    await store.commit(tenant, mutations, expectations);
    return artifact;
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
    const { mutations, expectations } = changes(digest, found.revision, { ...found.stored, removeTimeMicros: now }, []);
    const { revision } = await store.commit(tenant, mutations, expectations);
    return { key: artifactKey(bytesOf(digest)), revision };
  });
}

/** Whether the store knows an artifact of this digest, be it on its way out. */
export async function isKnown(store: StoreReader, tenant: TenantId, digest: string): Promise<boolean> {
  return (await find(store, tenant, digest)) !== undefined;
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
  if (found === undefined || isRemoving(found.stored)) throw artifactNotFound(digest);
  return found;
}

async function find(store: StoreReader, tenant: TenantId, digest: string): Promise<Found | undefined> {
  const entry = await store.get(tenant, artifactKey(bytesOf(digest)));
  return entry && { stored: StoredArtifact.decode(entry.value), revision: entry.revision };
}

function changes(digest: string, revision: Revision, stored: StoredArtifact, more: readonly Mutation[]): Changes {
  const key = artifactKey(bytesOf(digest));
  return {
    mutations: [{ put: key, value: StoredArtifact.encode(stored).finish() }, ...more],
    expectations: [{ key, revision }],
  };
}

function isRemoving({ removeTimeMicros }: StoredArtifact): boolean {
  return removeTimeMicros !== 0n;
}

function beingRemoved(digest: string): ServiceError {
  return new ServiceError("CONFLICT", `The artifact ${digest} is being removed; send it again in a minute.`);
}

const usesOf = (digest: string) => prefixRange("artifact-use/", bytesOf(digest));

function bytesOf(digest: string): Uint8Array {
  return Buffer.from(digest, "hex");
}
