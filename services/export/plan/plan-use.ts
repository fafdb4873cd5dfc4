import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { snapshotExpired } from "../snapshot/snapshot-errors.ts";
import type { OpenPlan } from "./plans.ts";

const RENEWAL_MILLIS = 10 * 60 * 1000;

/** Keeps the snapshots of a plan from being removed while a stream reads it. */
export class PlanUse implements Disposable {
  readonly #context: ExportContext;
  readonly #tenant: TenantId;
  readonly #plan: OpenPlan;
  readonly #uses: readonly Disposable[];
  #renewed = Number.NEGATIVE_INFINITY;

  private constructor(context: ExportContext, tenant: TenantId, plan: OpenPlan) {
    this.#context = context;
    this.#tenant = tenant;
    this.#plan = plan;
    this.#uses = plan.sources.map(({ key }) => context.snapshots.uses.open(tenant, key));
  }

  /** Rejects with SNAPSHOT_EXPIRED where one is gone. */
  static async open(context: ExportContext, tenant: TenantId, plan: OpenPlan): Promise<PlanUse> {
    const use = new PlanUse(context, tenant, plan);
    try {
      for (const { key } of plan.sources) {
        if ((await context.snapshots.get(tenant, key)) === undefined) throw snapshotExpired(key);
      }
      return use;
    } catch (error) {
      use[Symbol.dispose]();
      throw error;
    }
  }

  /** Reading keeps snapshots alive; it need not wait for that. Does something once in ten minutes. */
  renew(): void {
    if (performance.now() - this.#renewed < RENEWAL_MILLIS) return;
    this.#renewed = performance.now();
    const { snapshots, log } = this.#context;
    for (const { key, stored } of this.#plan.sources) {
      if (stored.ttlSeconds === 0) continue;
      snapshots
        .renew(this.#tenant, key)
        .catch((error: Error) => log.warn({ err: error }, "a snapshot's life could not be renewed"));
    }
  }

  [Symbol.dispose](): void {
    for (const use of this.#uses) use[Symbol.dispose]();
  }
}
