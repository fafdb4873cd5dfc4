import type { Meter } from "@opentelemetry/api";
import type { Revision, Store, TenantId } from "../store/store.ts";

export interface StoreObserver {
  readonly meter: Meter;
  /** Called with what a method of the store rejected with. */
  rejected(error: unknown, store: Store): void;
  /** Called after each commit. */
  committed(tenant: TenantId, revision: Revision): void;
}

/** The same store; its commits are counted and timed, its failures reported. */
export function observeStore(store: Store, { meter, rejected, committed }: StoreObserver): Store {
  const seconds = meter.createHistogram("loraloop_store_commit_seconds", {
    description: "From the call to the acknowledged commit.",
    advice: { explicitBucketBoundaries: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] },
  });
  const report = (error: unknown): never => {
    rejected(error, store);
    throw error;
  };
  const commit: Store["commit"] = async (...args) => {
    const started = performance.now();
    let outcome = "failed";
    try {
      const head = await store.commit(...args);
      outcome = "committed";
      committed(args[0], head.revision);
      return head;
    } catch (error) {
      return report(error);
    } finally {
      seconds.record((performance.now() - started) / 1_000, { outcome });
    }
  };
  const get: Store["get"] = (...args) => store.get(...args).catch(report);
  const scan: Store["scan"] = (...args) => store.scan(...args).catch(report);
  const observed = new Map<string | symbol, unknown>(Object.entries({ commit, get, scan }));
  return new Proxy(store, {
    get(target, property) {
      const own = observed.get(property);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
