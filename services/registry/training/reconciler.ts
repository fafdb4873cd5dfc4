import { keepRounds } from "../../kit/rounds.ts";
import type { RegistryContext } from "../context.ts";
import { hasReason } from "./export-errors.ts";
import { reconcile, releaseOrphans } from "./reconcile.ts";

/** Reconciles holds and deletions of all tenants now and every `reconcile_seconds`, until it is disposed of. Does nothing where no export service is configured. */
export function keepReconciling(context: RegistryContext): AsyncDisposable {
  if (!context.exportClient.isConfigured) return { [Symbol.asyncDispose]: async () => undefined };
  const { reconcile_seconds: seconds, orphan_hold_seconds: orphanSeconds } = context.configuration;
  let orphansReleased = Number.NEGATIVE_INFINITY;
  const onError = (error: unknown) => context.log.error({ err: error }, "tenants could not be listed");
  return keepRounds({ intervalMillis: seconds * 1000, onError }, (stop) => {
    const withOrphans = performance.now() - orphansReleased >= orphanSeconds * 1000;
    if (withOrphans) orphansReleased = performance.now();
    const stoppable = { ...context, exportClient: context.exportClient.until(stop) };
    return reconcileTenants(stoppable, withOrphans, stop);
  });
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
