import { createHash } from "node:crypto";
import { type ResumePoint, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredPlan } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { type Reason, ServiceError } from "../../kit/errors.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { normalise } from "../dataset/spec.ts";
import { planKey } from "../keys.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

/** Format of a resume point. */
const FORMAT = 1;

/** Binds a resume point to what was asked for: SHA-256 (hex) of the source in its canonical form. */
export function requestHash(source: SampleSource): string {
  const which = source.source;
  const canonical: SampleSource =
    which?.$case === "spec" ? { ...source, source: { $case: "spec", value: normalise(which.value) } } : source;
  return createHash("sha256").update(SampleSource.encode(canonical).finish()).digest("hex");
}

export function resumePointOf(store: Store, source: SampleSource, plan: Uint8Array, nextIndex: number): ResumePoint {
  return {
    format: FORMAT,
    store: store.identity.storeId,
    incarnation: store.identity.incarnation,
    requestHash: requestHash(source),
    plan: hexOf(plan),
    nextIndex: BigInt(nextIndex),
  };
}

/** The key of the snapshot that a resume point goes on with. Throws one error for each field that does not fit. */
export async function checkResumePoint(
  store: Store,
  tenant: TenantId,
  source: SampleSource,
  resume: ResumePoint,
): Promise<Uint8Array> {
  const { storeId, incarnation } = store.identity;
  check("RESUME_FORMAT_UNKNOWN", "format", String(resume.format), String(FORMAT));
  check("RESUME_OTHER_STORE", "store", resume.store, storeId);
  check("RESUME_OTHER_INCARNATION", "incarnation", resume.incarnation, incarnation);
  check("RESUME_OTHER_REQUEST", "request_hash", resume.requestHash, requestHash(source));
  const entry = /^[0-9a-f]{64}$/.test(resume.plan)
    ? await store.get(tenant, planKey(Buffer.from(resume.plan, "hex")))
    : undefined;
  if (entry === undefined) {
    throw new ServiceError("RESUME_PLAN_UNKNOWN", `resume.plan is ${shown(resume.plan)}; no such plan here.`, {
      plan: resume.plan.slice(0, 80),
    });
  }
  return StoredPlan.decode(entry.value).snapshotKey;
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
