import type {
  DeletedData,
  PeftConfiguration,
  TrainingSnapshot,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { type AdapterVersion, AdapterVersion_State } from "../../typescript/src/index.ts";
import { bytes, count, counted, time } from "../output.ts";
import { methodName, versionStateName } from "./names.ts";
import { whyNotServed } from "./serving.ts";

/** `ready`, `quarantined`, … */
export function stateText(version: Pick<AdapterVersion, "state">): string {
  return versionStateName(version).toLowerCase();
}

/** `ready`, `ready, inherited from law@1`, `ready, 2 of its records deleted since, 3 of its ancestors' deleted since`, … */
export function standingText(version: AdapterVersion): string {
  const { inheritedFrom, deletedData, inheritedDeletedData } = version;
  const parts = [
    stateText(version),
    inheritedFrom && `inherited from ${inheritedFrom}`,
    deletedData?.recordCount && `${count(deletedData.recordCount)} of its records deleted since`,
    inheritedDeletedData?.recordCount && `${count(inheritedDeletedData.recordCount)} of its ancestors' deleted since`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** `mistralai/Mistral-7B-v0.1@main`. */
export function baseModelText({ baseModel }: AdapterVersion): string {
  if (baseModel === undefined || baseModel.name === "") return "-";
  return baseModel.revision === "" ? baseModel.name : `${baseModel.name}@${baseModel.revision}`;
}

/** `lora r16`. */
export function methodText({ method, peft }: AdapterVersion): string {
  return `${methodName(method).toLowerCase()} r${peft?.maximumRank || peft?.r || "?"}`;
}

/** `eval_loss 1.21, accuracy 0.9`. */
export function metricsText({ metrics }: AdapterVersion): string {
  const all = Object.entries(metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`);
  return all.join(", ") || "-";
}

/** `by 0123…, which is not trusted`; empty where nobody signed. */
export function signatureText({ signature }: AdapterVersion): string {
  return signature === undefined ? "" : `by ${signature.keyId}${signature.trusted ? "" : ", which is not trusted"}`;
}

/** What was trained on, in a line: key, dataset, samples. */
export function snapshotText(snapshot: TrainingSnapshot): string {
  const { dataset, datasetVersion, collection, sampleCount, revision } = snapshot;
  const name = dataset === "" ? "(unnamed)" : `${dataset}@${datasetVersion}`;
  return `${snapshot.snapshot.slice(0, 12)}  ${name} of "${collection}", ${counted(sampleCount, "sample")} at revision ${revision}`;
}

/** All of a version but its files, a line for each thing. */
export function versionLines(version: AdapterVersion): string[] {
  return [
    `version     ${version.name}${version.label === "" ? "" : `  (${version.label})`}`,
    `state       ${stateText(version)}${stateReason(version)}`,
    ...baseModelLines(version),
    ...shapeLines(version),
    ...purposeLines(version),
    ...trainingLines(version),
    ...servingLines(version),
    ...artifactLines(version),
    ...namedLines(
      "metadata",
      Object.entries(version.metadata).map(([key, value]) => `${key}=${value}`),
    ),
    `registered  ${time(version.createTime)} by ${version.creator || "-"}, checked ${time(version.verifyTime)}`,
  ];
}

function stateReason({ state, quarantine, deleteTime }: AdapterVersion): string {
  if (state === AdapterVersion_State.STATE_DELETED) return ` ${time(deleteTime)}`;
  if (state !== AdapterVersion_State.STATE_QUARANTINED || quarantine === undefined) return "";
  return ` ${time(quarantine.time)}${quarantine.actor === "" ? "" : ` by ${quarantine.actor}`}: ${quarantine.reason}`;
}

function baseModelLines(version: AdapterVersion): string[] {
  const { weightsDigest = "", tokenizerDigest = "" } = version.baseModel ?? {};
  const digests = [
    weightsDigest && `weights ${weightsDigest.slice(0, 12)}`,
    tokenizerDigest && `tokenizer ${tokenizerDigest.slice(0, 12)}`,
  ];
  return namedLines("base model", [baseModelText(version), ...digests]);
}

function shapeLines({ method, quantization, peft }: AdapterVersion): string[] {
  const lines = [`method      ${methodName(method).toLowerCase()}`];
  if (quantization !== undefined) {
    const { library, format, bits, doubleQuantization, computeType } = quantization;
    const parts = [library, format, bits && `${bits} bits`, doubleQuantization && "double", computeType];
    lines.push(`quantized   ${parts.filter(Boolean).join(", ")}`);
  }
  return peft === undefined ? lines : [...lines, ...loraLines(peft)];
}

/** Of a shape that a document only declared, what it said. */
function loraLines(peft: PeftConfiguration): string[] {
  const { r, maximumRank, loraAlpha, useRslora, loraDropout } = peft;
  const { targetModules, targetModulesPattern, targetParameters } = peft;
  const isRead = peft.configurationJson !== "";
  const largest = maximumRank !== 0 && maximumRank !== r ? ` (at most ${maximumRank})` : "";
  const alpha = (isRead || loraAlpha !== 0) && `alpha ${loraAlpha}`;
  const dropout = (isRead || loraDropout !== 0) && `dropout ${loraDropout}`;
  const size = `${counted(peft.parameterCount, "parameter")} in ${peft.tensorTypes.join(", ") || "-"}`;
  return [
    ...namedLines("shape", [r !== 0 && `rank ${r}${largest}`, alpha, useRslora && "rank-stabilised", dropout]),
    ...namedLines("targets", [
      targetModulesPattern || ((isRead || targetModules.length > 0) && targetsText(targetModules)),
    ]),
    ...namedLines("parameters", targetParameters),
    ...namedLines("tensors", isRead ? [size, counted(peft.layers.length, "layer")] : []),
  ];
}

/** Whole names, as PEFT writes them for `all-linear`, by their last parts. */
function targetsText(modules: readonly string[]): string {
  const names = new Set(modules.map((module) => module.slice(module.lastIndexOf(".") + 1)));
  const text = [...names].join(", ") || "-";
  return names.size === modules.length ? text : `${count(modules.length)} modules: ${text}`;
}

function purposeLines({ task, domains, language, constraint }: AdapterVersion): string[] {
  const parts = [task, domains.length > 0 && `for ${domains.join(", ")}`, language && `in ${language}`];
  const shape = constraint?.constraint?.$case;
  return namedLines("purpose", [...parts, shape && `answers by ${constraintNames[shape]}`]);
}

const constraintNames = { jsonSchema: "a JSON Schema", pattern: "a regular expression", grammar: "a grammar" } as const;

function trainingLines(version: AdapterVersion): string[] {
  const { provenance, deletedData, inheritedDeletedData } = version;
  const lines = namedLines("metrics", [Object.keys(version.metrics).length > 0 && metricsText(version)]);
  if (provenance?.run) lines.push(`run         ${provenance.run}`);
  for (const snapshot of provenance?.snapshots ?? []) lines.push(`trained on  ${snapshotText(snapshot)}`);
  lines.push(...deletedLines(deletedData, "it was"));
  if (provenance?.parent) lines.push(`parent      ${provenance.parent}`);
  lines.push(...deletedLines(inheritedDeletedData, "its ancestors were"));
  if (provenance?.dataSourceUri) lines.push(`source      ${provenance.dataSourceUri}`);
  return lines;
}

function deletedLines(data: DeletedData | undefined, whose: string): string[] {
  if (data === undefined || data.recordCount === 0n) return [];
  const times = `from ${time(data.firstTime)} to ${time(data.lastTime)}`;
  return [`deleted     ${count(data.recordCount)} of the records that ${whose} trained on, ${times}`];
}

function servingLines(version: AdapterVersion): string[] {
  const whyNot = whyNotServed(version);
  if (whyNot !== undefined) return [`serving     no: ${whyNot}`];
  return version.servability.map(({ engine, servable, problems, minimumMaxLoraRank }, place) => {
    const rank = minimumMaxLoraRank === 0 ? "" : `, --max-lora-rank ${minimumMaxLoraRank} or more`;
    return `${place === 0 ? "serving" : "       "}     ${engine}: ${servable ? `yes${rank}` : `no: ${problems.join(" ")}`}`;
  });
}

function artifactLines(version: AdapterVersion): string[] {
  if (version.artifact === undefined) return [];
  const { digest, files, byteCount, uri, kept } = version.artifact;
  return [
    `files       ${count(files.length)}, ${bytes(byteCount)}`,
    `digest      ${digest}`,
    `${kept ? "kept   " : "lies at"}     ${uri || "-"}`,
    ...namedLines("signed", [signatureText(version)]),
  ];
}

function namedLines(name: string, parts: readonly (string | false | undefined)[]): string[] {
  const text = parts.filter(Boolean).join(", ");
  return text === "" ? [] : [`${name.padEnd(11)} ${text}`];
}
