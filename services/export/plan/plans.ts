import { hash } from "node:crypto";
import {
  type PlanSpec,
  type RunEpoch,
  type SampleSource,
  WeightUse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import {
  StoredPlan,
  type StoredPlanSource,
  type StoredSnapshot,
} from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { planKey } from "../keys.ts";
import { epochPlan } from "../runs/epoch-plan.ts";
import { findOrRequestSnapshot } from "../snapshot/request-snapshot.ts";
import { snapshotBuilding, snapshotExpired, snapshotFailed } from "../snapshot/snapshot-errors.ts";
import { hexOf, planOf } from "../snapshot/snapshot-key.ts";
import type { SnapshotEntry } from "../snapshot/stored-snapshots.ts";
import type { SampleTable } from "../snapshot/table/sample-table.ts";
import { isThere } from "../snapshot/table/sample-tables.ts";
import { SLOTS, slotsOf } from "./interleave.ts";
import { planInvalid, planUnknown } from "./plan-errors.ts";
import { ORDER_VERSION, PlanOrder } from "./plan-order.ts";
import { isSnapshotOrder, normalisePlan, sourcesOf } from "./plan-spec.ts";
import { sampledTable } from "./sampled-table.ts";
import { getWeightTable, putWeightTable, type WeightTable } from "./weight-table.ts";

/** What a call asks for. */
export interface PlanRequest {
  readonly source: SampleSource | undefined;
  readonly plan: PlanSpec | undefined;
  readonly runEpoch: RunEpoch | undefined;
}

/** A plan ready to be read: a few bytes for each page of its snapshots, shared by all readers. */
export interface OpenPlan {
  readonly hash: Uint8Array;
  /** Without the mixture's sources. */
  readonly spec: PlanSpec;
  readonly order: PlanOrder;
  readonly sources: readonly OpenSource[];
}

export interface OpenSource {
  readonly key: Uint8Array;
  readonly stored: StoredSnapshot;
  readonly table: SampleTable;
  /** Absent where every sample comes once. */
  readonly weightTable: WeightTable | undefined;
  readonly slots: number;
}

/** One source of a plan that is about to be kept. */
export interface PlanPart {
  readonly entry: SnapshotEntry;
  readonly table: SampleTable;
  readonly weightTable: WeightTable | undefined;
}

/** Memory of the plans that are kept open; one is kept however large it is. */
const MAX_OPEN_BYTES = 48 * 1024 * 1024;

/** Finds, makes and keeps the plans of a server. */
export class Plans {
  readonly #context: () => ExportContext;
  /** By tenant and hash; the longest unused goes first. */
  readonly #open = new Map<string, OpenPlan>();
  readonly #loading = new Map<string, Promise<OpenPlan>>();

  constructor(context: () => ExportContext) {
    this.#context = context;
  }

  /** The plan of a request: the same for equal requests over unchanged records. Waits until its snapshots are sealed; rejects when aborted. */
  async resolve(tenant: TenantId, request: PlanRequest, signal: AbortSignal): Promise<OpenPlan> {
    const { source, plan, runEpoch } = request;
    if (runEpoch !== undefined) {
      if (source?.source !== undefined || plan !== undefined) {
        throw planInvalid("run_epoch", "says all; source and plan must be absent");
      }
      return this.open(tenant, (await epochPlan(this.#context(), tenant, runEpoch)).hash);
    }
    const spec = normalisePlan(plan);
    const parts: PlanPart[] = [];
    for (const one of sourcesOf(source, spec)) parts.push(await this.#partOf(tenant, one, spec, signal));
    return this.keep(tenant, spec, parts);
  }

  /** A plan that was kept. Rejects with RESUME_PLAN_UNKNOWN, SNAPSHOT_EXPIRED, SNAPSHOT_BUILDING. */
  async open(tenant: TenantId, hash: Uint8Array): Promise<OpenPlan> {
    const name = `${tenant}/${hexOf(hash)}`;
    const known = this.#open.get(name);
    if (known?.sources.every(({ table }) => isThere(table))) {
      this.#keepOpen(name, known);
      return known;
    }
    const loading = this.#loading.get(name) ?? this.#load(tenant, hash);
    this.#loading.set(name, loading);
    try {
      const opened = await loading;
      this.#keepOpen(name, opened);
      return opened;
    } finally {
      this.#loading.delete(name);
    }
  }

  /** Keeps a plan in the store and opens it. Idempotent. Throws PLAN_INVALID. @param spec normalised */
  async keep(tenant: TenantId, spec: PlanSpec, parts: readonly PlanPart[]): Promise<OpenPlan> {
    const { store } = this.#context();
    const [first] = parts;
    if (first !== undefined && isSnapshotOrder(spec) && first.weightTable === undefined) {
      return this.open(tenant, planOf(first.entry.key).hash);
    }
    for (const { weightTable } of parts) {
      if (weightTable !== undefined) await putWeightTable(store, tenant, weightTable);
    }
    const value = encoded(StoredPlan, storedPlanOf(spec, parts));
    const planHash = hash("sha256", value, "buffer");
    if ((await store.get(tenant, planKey(planHash))) === undefined)
      await store.commit(tenant, [{ put: planKey(planHash), value }]);
    return this.open(tenant, planHash);
  }

  /** As the newest; the longest unused go where there is not room for all. */
  #keepOpen(name: string, plan: OpenPlan): void {
    this.#open.delete(name);
    this.#open.set(name, plan);
    let bytes = [...this.#open.values()].reduce((sum, each) => sum + memoryOf(each), 0);
    for (const [oldest, each] of this.#open) {
      if (bytes <= MAX_OPEN_BYTES || this.#open.size === 1) return;
      this.#open.delete(oldest);
      bytes -= memoryOf(each);
    }
  }

  async #partOf(tenant: TenantId, source: SampleSource, spec: PlanSpec, signal: AbortSignal): Promise<PlanPart> {
    const entry = await this.#sealed(tenant, await findOrRequestSnapshot(this.#context(), tenant, source), signal);
    const table = await this.#context().snapshots.tables.open(tenant, entry.key);
    const sampling = spec.weightUse === WeightUse.WEIGHT_USE_SAMPLING;
    const weightTable = sampling ? await sampledTable(tenant, entry.key, table, spec) : undefined;
    return { entry, table, weightTable };
  }

  /** Waits for the end of its build. */
  async #sealed(tenant: TenantId, { key, stored }: SnapshotEntry, signal: AbortSignal): Promise<SnapshotEntry> {
    if (stored.snapshot?.state === Snapshot_State.STATE_FAILED) throw snapshotFailed(key, stored);
    if (stored.snapshot?.state === Snapshot_State.STATE_SEALED) return { key, stored };
    await using reader = this.#context().snapshots.reader(tenant, key);
    for (;;) {
      signal.throwIfAborted();
      await reader.wait(1000, signal);
      const now = await reader.state();
      if (now.snapshot?.state === Snapshot_State.STATE_SEALED) return { key, stored: now };
    }
  }

  async #load(tenant: TenantId, hash: Uint8Array): Promise<OpenPlan> {
    const { store } = this.#context();
    const entry = await store.get(tenant, planKey(hash));
    if (entry === undefined) throw planUnknown(hexOf(hash));
    const plan = StoredPlan.decode(entry.value);
    const lone = { snapshotKey: plan.snapshotKey, sampleCount: 0n, weightTable: new Uint8Array(), slots: SLOTS };
    const sources: OpenSource[] = [];
    for (const one of plan.spec === undefined ? [lone] : plan.sources)
      sources.push(await this.#openSource(tenant, one));
    const spec = plan.spec ?? normalisePlan(undefined);
    const order = new PlanOrder(
      spec,
      sources.map(({ table, weightTable, slots }) => ({ ...table, copies: weightTable?.copies, slots })),
    );
    return { hash, spec, sources, order };
  }

  async #openSource(
    tenant: TenantId,
    { snapshotKey: key, weightTable: digest, slots }: StoredPlanSource,
  ): Promise<OpenSource> {
    const { store, snapshots } = this.#context();
    const stored = await snapshots.get(tenant, key);
    if (stored === undefined) throw snapshotExpired(key);
    if (stored.snapshot?.state !== Snapshot_State.STATE_SEALED) throw snapshotBuilding(key);
    const table = await snapshots.tables.open(tenant, key);
    const weightTable =
      digest.length === 0 ? undefined : await getWeightTable(store, tenant, digest, table.sampleCount);
    if (digest.length > 0 && weightTable === undefined) throw planUnknown(hexOf(digest));
    return { key, stored, table, weightTable, slots };
  }
}

/** Orders, tables, bits of verified samples, copies. */
function memoryOf({ sources }: OpenPlan): number {
  const bytes = sources.map(
    ({ table, weightTable }) =>
      table.pageCounts.length * 40 + table.sampleCount / 8 + (weightTable?.copies.length ?? 0),
  );
  return bytes.reduce((sum, each) => sum + each, 0);
}

function storedPlanOf(spec: PlanSpec, parts: readonly PlanPart[]): StoredPlan {
  const empty = parts.findIndex(({ table, weightTable }) => isEmpty(table, weightTable));
  if (empty !== -1 && spec.mixture !== undefined) {
    throw planInvalid(`plan.mixture.sources[${empty}]`, "has no samples; leave it out");
  }
  const slots =
    spec.mixture === undefined ? [SLOTS] : slotsOf(spec.mixture.sources.map(({ proportion }) => proportion));
  return {
    snapshotKey: new Uint8Array(),
    orderVersion: ORDER_VERSION,
    spec: { ...spec, mixture: spec.mixture && { ...spec.mixture, sources: [] } },
    sources: parts.map(({ entry, table, weightTable }, source) => ({
      snapshotKey: entry.key,
      sampleCount: BigInt(table.sampleCount),
      weightTable: weightTable?.digest ?? new Uint8Array(),
      slots: slots[source] as number,
    })),
  };
}

function isEmpty(table: SampleTable, weightTable: WeightTable | undefined): boolean {
  return table.sampleCount === 0 || (weightTable !== undefined && !weightTable.copies.some((count) => count > 0));
}
