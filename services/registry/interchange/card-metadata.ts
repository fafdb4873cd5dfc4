import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { methodWord, unlessEmpty } from "./document-fields.ts";
import { defined, type JsonObject } from "./json-document.ts";

/** A version's metadata as the Hugging Face Hub reads it in a model card. A license is named only where the version's metadata has one. */
export function cardMetadata(version: AdapterVersion): JsonObject {
  const { baseModel, language, metadata, peft } = version;
  return defined({
    base_model: unlessEmpty(baseModel?.name ?? ""),
    base_model_relation: "adapter",
    library_name: "peft",
    pipeline_tag: peft?.taskType === "CAUSAL_LM" ? "text-generation" : undefined,
    language: unlessEmpty(language),
    license: metadata["license"],
    datasets: unlessEmpty(datasetsOf(version)),
    tags: [...new Set([methodWord(version.method) ?? "lora", version.task, ...version.domains])].filter(Boolean),
    "model-index": unlessEmpty(modelIndex(version)),
  });
}

function datasetsOf({ provenance, declared }: AdapterVersion): string[] {
  const names = (provenance?.snapshots ?? []).map(({ dataset }) => dataset);
  return [...new Set([...names, provenance?.training?.datasetName ?? "", declared?.datasetReference ?? ""])].filter(
    Boolean,
  );
}

function modelIndex(version: AdapterVersion): JsonObject[] {
  const metrics = Object.entries(version.metrics).map(([type, value]) => ({ type, value }));
  if (metrics.length === 0) return [];
  const dataset = datasetsOf(version)[0] ?? "not stated";
  const task = version.task || "text-generation";
  const results = [{ task: { type: task }, dataset: { name: dataset, type: dataset }, metrics }];
  return [{ name: version.name, results }];
}
