import { WeightUse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Run, Run_State } from "../../typescript/src/index.ts";
import { runStateName } from "../names.ts";
import { count, time } from "../output.ts";

/** Where a run is in its epoch: `epoch 1  400 / 1,204 (33.2 %)`. */
export function positionText({ consumed, epochs }: Run): string {
  if (consumed === undefined) return "no checkpoint yet";
  const samples = epochs.find(({ epoch }) => epoch === consumed.epoch)?.sampleCount ?? 0n;
  const percent = samples === 0n ? "" : ` (${((Number(consumed.nextIndex) / Number(samples)) * 100).toFixed(1)} %)`;
  return `epoch ${consumed.epoch}  ${count(consumed.nextIndex)} / ${count(samples)}${percent}`;
}

/** `open`, `lost`, … */
export function stateText({ state }: Run): string {
  return runStateName(state).toLowerCase();
}

/** Names of what it reads. */
export function readsText({ sources }: Run): string {
  return sources.map(sourceName).join(" + ");
}

export function lossText({ metrics }: Run): string {
  const { loss } = metrics;
  return loss === undefined ? "-" : loss.toPrecision(4);
}

/** All of a run but its epochs, a line for each thing. */
export function runLines(run: Run): string[] {
  return [
    `run       ${run.id}`,
    `state     ${stateText(run)}${leaseText(run)}`,
    ...run.sources.map((source, place) => `${place === 0 ? "reads" : "     "}     ${sourceText(source)}`),
    `order     ${orderText(run)}`,
    ...adaptiveLines(run),
    `consumed  ${positionText(run)}${run.consumed === undefined ? "" : `, step ${run.consumed.step}`}`,
    ...metricLines(run),
    ...environmentLines(run),
    `opened    ${time(run.createTime)}, last heard of ${time(run.updateTime)}`,
    ...resultLines(run),
  ];
}

function leaseText({ state, leaseExpireTime }: Run): string {
  if (state === Run_State.STATE_OPEN) return `, lease until ${time(leaseExpireTime)}`;
  return state === Run_State.STATE_LOST ? `, lease ended ${time(leaseExpireTime)}` : "";
}

function sourceText(source: Run["sources"][number]): string {
  const { sampleCount, snapshot, revision } = source;
  const samples = `${count(sampleCount)} samples of snapshot ${snapshot.slice(0, 12)}`;
  return `${sourceName(source)}, ${samples} at revision ${revision}`;
}

function sourceName({ dataset, datasetVersion }: Run["sources"][number]): string {
  return dataset === "" ? "(unnamed)" : `${dataset}@${datasetVersion}`;
}

function orderText({ plan }: Run): string {
  const parts = [
    plan?.shuffle === undefined
      ? "as in the snapshot"
      : `shuffled, windows of ${count(plan.shuffle.windowPages)} pages, seed ${plan.seed}`,
    `global batches of ${count(plan?.globalBatchSize ?? 1)}`,
  ];
  if (plan?.dropLast) parts.push("the last one only if it is full");
  if (plan?.weightUse === WeightUse.WEIGHT_USE_SAMPLING) parts.push(`sampled by weight, seed ${plan.seed}`);
  if (plan?.mixture !== undefined) parts.push(`a mixture of ${plan.mixture.sources.length}`);
  return parts.join(", ");
}

function adaptiveLines({ adaptiveSampling }: Run): string[] {
  if (adaptiveSampling === undefined) return [];
  const { exponent = 1, minimum = 0.25, maximum = 4 } = adaptiveSampling;
  return [`adaptive  by loss: (loss / mean) ^ ${exponent}, from ${minimum} to ${maximum}`];
}

function metricLines({ metrics }: Run): string[] {
  const all = Object.entries(metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`);
  return all.length === 0 ? [] : [`metrics   ${all.join(", ")}`];
}

function environmentLines({ environment }: Run): string[] {
  if (environment === undefined) return [];
  const { baseModel, seed, worldSize, packageVersions } = environment;
  const packages = Object.entries(packageVersions).map(([name, version]) => `${name} ${version}`);
  const lines = [`base      ${baseModel || "-"}, seed ${seed}, ${worldSize || 1} rank${worldSize > 1 ? "s" : ""}`];
  return packages.length === 0 ? lines : [...lines, `packages  ${packages.join(", ")}`];
}

function resultLines({ result, endTime }: Run): string[] {
  if (result === undefined) return [];
  const { adapterVersion, message } = result;
  const parts = [time(endTime), adapterVersion && `adapter ${adapterVersion}`, message].filter(Boolean);
  return [`ended     ${parts.join(", ")}`];
}
