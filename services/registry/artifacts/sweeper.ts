import type { Logger } from "pino";
import { keepRounds } from "../../kit/rounds.ts";
import { entries } from "../../store/entries.ts";
import type { Clock, Store, TenantId } from "../../store/store.ts";
import { artifactKey, prefixRange } from "../keys.ts";
import { isDigest } from "./artifact-digest.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Staging } from "./staging.ts";
import { UNUSED_MICROS } from "./stored-artifacts.ts";

export interface ArtifactSweeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly artifacts: Artifacts;
  readonly kept: ArtifactStore;
  readonly staging: Staging;
  /** Whether other processes use the same folders. */
  readonly shared: boolean;
  readonly tenants: () => Promise<readonly TenantId[]>;
}

const intervalMillis = 3_600_000;
/** What another process stages is written to more often, and sent to S3 in less. */
const sharedStagingMillis = 24 * 3_600_000;
const digestStart = artifactKey(new Uint8Array()).length;

/** Sweeps now and every hour, until it is disposed of. */
export function keepSweepingArtifacts(options: ArtifactSweeperOptions): AsyncDisposable {
  const onError = (error: unknown) => options.log.error({ err: error }, "the sweep of artifacts failed");
  return keepRounds({ intervalMillis, onError }, (stop) => sweepArtifacts(options, stop));
}

/**
 * Removes what broken-off uploads left, artifacts that no version has used for 24 hours, and files that long that no artifact has. What
 * fails is tried again next time, and does not keep other tenants waiting.
 */
export async function sweepArtifacts(options: ArtifactSweeperOptions, signal: AbortSignal): Promise<void> {
  const { log, staging, shared, tenants } = options;
  await staging.removeOld(shared ? sharedStagingMillis : 0);
  for (const tenant of await tenants()) {
    if (signal.aborted) return;
    try {
      await removeUnused(options, tenant, signal);
      await removeUnknown(options, tenant, signal);
    } catch (error) {
      log.error({ err: error, tenant }, "the sweep of a tenant's artifacts failed");
    }
  }
}

async function removeUnused(options: ArtifactSweeperOptions, tenant: TenantId, signal: AbortSignal): Promise<void> {
  const { store, artifacts } = options;
  for await (const { key } of entries(store, tenant, prefixRange("artifact/"))) {
    if (signal.aborted) return;
    await artifacts.removeUnused(tenant, Buffer.from(key.subarray(digestStart)).toString("hex"));
  }
}

async function removeUnknown(options: ArtifactSweeperOptions, tenant: TenantId, signal: AbortSignal): Promise<void> {
  const { clock, kept, artifacts } = options;
  const oldest = Number((clock.now() - UNUSED_MICROS) / 1_000n);
  for await (const digest of kept.digests(tenant)) {
    if (signal.aborted) return;
    // Somebody else's, who put it there.
    if (!isDigest(digest)) continue;
    const written = await kept.writeTime(tenant, digest);
    if (written !== undefined && written < oldest) await artifacts.removeUnknown(tenant, digest);
  }
}
