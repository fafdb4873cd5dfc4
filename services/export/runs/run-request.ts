import { hash } from "node:crypto";
import type { PlanSpec, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { AdaptiveSampling, RunSource } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { StoredRun } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import { normalise } from "../dataset/spec.ts";

/** What a run is opened with and may not change. */
export interface RunRequest {
  readonly source: SampleSource | undefined;
  /** Normalised. */
  readonly plan: PlanSpec;
  readonly adaptiveSampling: AdaptiveSampling | undefined;
}

/** Equal for equal requests. */
export function requestDigest({ source, plan, adaptiveSampling }: RunRequest): Uint8Array {
  const canonical = StoredRun.fromPartial({
    source: source && canonicalSource(source),
    plan: withSources(plan, (one) => one && canonicalSource(one)),
    adaptiveSampling,
  });
  return hash("sha256", encoded(StoredRun, canonical), "buffer");
}

/** What an epoch without weights of its own reads: the very snapshots of the first one. */
export function epochRequest(
  plan: PlanSpec,
  sources: readonly RunSource[],
  epoch: number,
): { readonly source: SampleSource | undefined; readonly plan: PlanSpec } {
  const source = plan.mixture === undefined ? snapshotSource(sources[0]) : undefined;
  return { source, plan: { ...withSources(plan, (_, place) => snapshotSource(sources[place])), epoch } };
}

function canonicalSource(source: SampleSource): SampleSource {
  const which = source.source;
  return which?.$case === "spec" ? { ...source, source: { $case: "spec", value: normalise(which.value) } } : source;
}

function withSources(
  plan: PlanSpec,
  replace: (source: SampleSource | undefined, place: number) => SampleSource | undefined,
): PlanSpec {
  const { mixture } = plan;
  if (mixture === undefined) return plan;
  const sources = mixture.sources.map((one, place) => ({ ...one, source: replace(one.source, place) }));
  return { ...plan, mixture: { ...mixture, sources } };
}

function snapshotSource(source: RunSource | undefined): SampleSource {
  const value = source?.snapshot ?? "";
  return {
    source: { $case: "snapshot", value },
    asOf: undefined,
    revision: undefined,
    allowOpenIngest: false,
    split: "",
  };
}
