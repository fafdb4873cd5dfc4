import { setTimeout as sleep } from "node:timers/promises";
import type { RegistryContext } from "../context.ts";
import { hasReason } from "./export-errors.ts";
import { reconcile, releaseOrphans } from "./reconcile.ts";

/** Reconciles holds and deletions of all tenants now and every `reconcile_seconds`, until it is disposed of. Does nothing where no export service is configured. */
export function keepReconciling(context: RegistryContext): AsyncDisposable {
  const stop = new AbortController();
  const ended = context.exportClient.isConfigured ? reconcileAgainAndAgain(context, stop.signal) : Promise.resolve();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function reconcileAgainAndAgain(context: RegistryContext, stop: AbortSignal): Promise<void> {
  const { reconcile_seconds: seconds, orphan_hold_seconds: orphanSeconds } = context.configuration;
  const stoppable = { ...context, exportClient: context.exportClient.until(stop) };
  let orphansReleased = Number.NEGATIVE_INFINITY;
  while (!stop.aborted) {
    const withOrphans = performance.now() - orphansReleased >= orphanSeconds * 1000;
    if (withOrphans) orphansReleased = performance.now();
    await reconcileTenants(stoppable, withOrphans, stop).catch((error: Error) => {
      context.log.error({ err: error }, "tenants could not be listed");
    });
    await sleep(seconds * 1000, undefined, { signal: stop, ref: false }).catch(() => undefined);
  }
}

/** What fails is tried again next time, and does not keep other tenants waiting. */
async function reconcileTenants(context: RegistryContext, withOrphans: boolean, stop: AbortSignal): Promise<void> {
  for (const { number, name } of await context.namedTenants()) {
    const owner = { tenant: number, tenantName: name };
    try {
      await reconcile(context, owner, stop);
      if (withOrphans) await releaseOrphans(context, owner, stop);
    } catch (error) {
      if (stop.aborted) return;
      // A tenant that has nothing in the export service.
      if (!hasReason(error, "TENANT_NOT_FOUND"))
        context.log.warn({ err: error, tenant: name }, "holds are reconciled later");
    }
  }
}
