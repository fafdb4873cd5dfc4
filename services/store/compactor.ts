import { setTimeout as sleep } from "node:timers/promises";
import type { Pin, Revision, Store, TenantId } from "./store.ts";

export interface CompactorOptions {
  /** How long every commit stays readable, by the store's clock; 24 hours by default. */
  readonly retentionSeconds?: number;
  /** Time from one round to the next; 15 minutes by default. */
  readonly intervalSeconds?: number;
  /** Whose history to compact, asked anew each round. */
  readonly tenants: () => Promise<readonly TenantId[]>;
  /** Told of what failed; the next round tries again. */
  readonly onError: (error: unknown) => void;
  /** Ends it, after the round that is running. */
  readonly signal: AbortSignal;
}

const pinPrefix = "retention/";

/** Compacts all tenants again and again, beginning now. Resolves once `signal` is aborted; never rejects. */
export async function runCompactor(store: Store, options: CompactorOptions): Promise<void> {
  const { retentionSeconds = 24 * 3600, intervalSeconds = 15 * 60, signal } = options;
  while (!signal.aborted) {
    await compactTenants(store, retentionSeconds, options);
    await sleep(intervalSeconds * 1000, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function compactTenants(store: Store, retentionSeconds: number, options: CompactorOptions): Promise<void> {
  try {
    for (const tenant of await options.tenants()) {
      if (options.signal.aborted) return;
      await compactTenant(store, tenant, retentionSeconds).catch((error: unknown) => options.onError(error));
    }
  } catch (error) {
    options.onError(error);
  }
}

/**
 * Frees what is older than the retention. What dates a revision is a pin: each round pins the head for the retention
 * and compacts up to the oldest live pin. So it goes on rightly after a restart, and in several processes at once.
 */
export async function compactTenant(store: Store, tenant: TenantId, retentionSeconds: number): Promise<void> {
  const { revision: head } = await store.head(tenant);
  const floor = await store.floor(tenant);
  if (head === floor) return;
  const pinned = newest(await store.pins(tenant)) ?? floor;
  if (pinned !== head) {
    // All that was committed after it is younger than the last round: from now on it stays for the whole retention.
    await pin(store, tenant, pinned, retentionSeconds);
    // Outlives that one, so that the floor reaches the head of a tenant that rests.
    await pin(store, tenant, head, 2 * retentionSeconds);
  }
  await store.compact(tenant, head);
}

function newest(pins: readonly Pin[]): Revision | undefined {
  let found: Revision | undefined;
  for (const { id, revision } of pins) {
    if (id.startsWith(pinPrefix) && (found === undefined || revision > found)) found = revision;
  }
  return found;
}

async function pin(store: Store, tenant: TenantId, revision: Revision, seconds: number): Promise<void> {
  await store.pin(tenant, `${pinPrefix}${revision}`, revision, seconds);
}
