import { hash } from "node:crypto";
import {
  type ResumePoint,
  type SampleSource,
  StreamSamplesRequest,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredPlan } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { type Reason, ServiceError } from "../../kit/errors.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { normalise } from "../dataset/spec.ts";
import { planKey } from "../keys.ts";
import { normalisePlan } from "../plan/plan-spec.ts";
import type { PlanRequest } from "../plan/plans.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

/** Format of a resume point. */
const FORMAT = 1;

/** Binds a resume point to what was asked for: SHA-256 (hex) of source, plan and run in their canonical form, epochs left out. */
export function requestHash({ source, plan, runEpoch }: PlanRequest): string {
  const normal = normalisePlan(plan);
  const mixture = normal.mixture && {
    ...normal.mixture,
    sources: normal.mixture.sources.map((one) => ({ ...one, source: canonical(one.source) })),
  };
  const request = StreamSamplesRequest.fromPartial({
    source: canonical(source),
    plan: { ...normal, epoch: 0, mixture },
    runEpoch: runEpoch && { run: runEpoch.run, epoch: 0 },
  });
  return hash("sha256", encoded(StreamSamplesRequest, request));
}

function canonical(source: SampleSource | undefined): SampleSource | undefined {
  const which = source?.source;
  if (source === undefined || which === undefined) return undefined;
  return which.$case === "spec" ? { ...source, source: { $case: "spec", value: normalise(which.value) } } : source;
}

/** What a resume point says of a plan. */
export interface PlanName {
  readonly hash: Uint8Array;
  readonly epoch: number;
}

export function resumePointOf(store: Store, request: PlanRequest, plan: PlanName, nextIndex: number): ResumePoint {
  return {
    format: FORMAT,
    store: store.identity.storeId,
    incarnation: store.identity.incarnation,
    requestHash: requestHash(request),
    plan: hexOf(plan.hash),
    nextIndex: BigInt(nextIndex),
    epoch: plan.epoch,
  };
}

/** The plan that a resume point goes on with; `snapshotKey` is set for one in snapshot order. Throws one error for each field that does not fit. */
export async function checkResumePoint(
  store: Store,
  tenant: TenantId,
  request: PlanRequest,
  resume: ResumePoint,
): Promise<{ hash: Uint8Array; snapshotKey: Uint8Array }> {
  const { storeId, incarnation } = store.identity;
  check("RESUME_FORMAT_UNKNOWN", "format", String(resume.format), String(FORMAT));
  check("RESUME_OTHER_STORE", "store", resume.store, storeId);
  check("RESUME_OTHER_INCARNATION", "incarnation", resume.incarnation, incarnation);
  check("RESUME_OTHER_REQUEST", "request_hash", resume.requestHash, requestHash(request));
  const hash = Buffer.from(sha256Form.test(resume.plan) ? resume.plan : "", "hex");
  const entry = hash.length === 0 ? undefined : await store.get(tenant, planKey(hash));
  if (entry === undefined) {
    throw new ServiceError("RESUME_PLAN_UNKNOWN", `resume.plan is ${shown(resume.plan)}; no such plan here.`, {
      plan: resume.plan.slice(0, 80),
    });
  }
  const { snapshotKey, spec } = StoredPlan.decode(entry.value);
  check("RESUME_OTHER_REQUEST", "epoch", String(resume.epoch), String(spec?.epoch ?? 0));
  return { hash, snapshotKey };
}

export function resumeBeyondEnd(nextIndex: number, sampleCount: number): ServiceError {
  const message = `resume.next_index is ${nextIndex}; expected 0 to ${sampleCount}.`;
  return new ServiceError("RESUME_BEYOND_END", message, {
    next_index: String(nextIndex),
    sample_count: String(sampleCount),
  });
}

function check(reason: Reason, field: string, actual: string, expected: string): void {
  if (actual === expected) return;
  const message = `resume.${field} is ${shown(actual)}; expected ${expected}.`;
  throw new ServiceError(reason, message, { expected, actual: actual.slice(0, 80) });
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 80));
}
