import type { AdapterVersion, TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { cardMetadata } from "./card-metadata.ts";
import { printYaml } from "./card-yaml.ts";
import { methodWord } from "./document-fields.ts";

/** `README.md` of a version: metadata as the Hugging Face Hub reads it, then what people want to know. A license is named only where the version's metadata has one. */
export function modelCard(version: AdapterVersion): string {
  const metadata = printYaml(cardMetadata(version));
  return `---\n${metadata}---\n\n# ${version.name}\n\n${table(version)}${metricsTable(version)}${howToLoad(version)}`;
}

function table(version: AdapterVersion): string {
  const { baseModel, peft, provenance } = version;
  const rows: [string, string | number | undefined][] = [
    ["Base model", [baseModel?.name, baseModel?.revision].filter(Boolean).join(" @ ")],
    ["Method", methodWord(version.method)],
    peft?.configurationJson === ""
      ? ["Rank", peft.r]
      : ["Rank, alpha, dropout", peft && [peft.r, peft.loraAlpha, peft.loraDropout].join(", ")],
    ["Target modules", peft?.targetModulesPattern || peft?.targetModules.join(", ")],
    ["Target parameters", peft?.targetParameters.join(", ")],
    ["Trained on", (provenance?.snapshots ?? []).map(snapshotText).join("; ") || provenance?.dataSourceUri],
    ["Trained from", provenance?.parent],
    ["Files", version.artifact?.digest],
  ];
  const lines = rows.filter(([, value]) => value).map(([name, value]) => `| ${name} | ${cell(String(value))} |\n`);
  return `| | |\n|---|---|\n${lines.join("")}`;
}

function snapshotText({ snapshot, dataset, datasetVersion, sampleCount }: TrainingSnapshot): string {
  const name = dataset === "" ? "" : `${dataset} version ${datasetVersion}, `;
  return `${name}${sampleCount} samples (snapshot ${snapshot})`;
}

/** A text inside of a table. */
function cell(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
}

function metricsTable(version: AdapterVersion): string {
  const lines = Object.entries(version.metrics).map(([name, value]) => `| ${cell(name)} | ${value} |\n`);
  return lines.length === 0 ? "" : `\n## Metrics\n\n| metric | value |\n|---|---|\n${lines.join("")}`;
}

function howToLoad({ baseModel, peft }: AdapterVersion): string {
  if (peft?.taskType !== "CAUSAL_LM" || baseModel === undefined) return "";
  const revision = baseModel.revision === "" ? "" : `, revision=${JSON.stringify(baseModel.revision)}`;
  return `
## How to load

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained(${JSON.stringify(baseModel.name)}${revision})
model = PeftModel.from_pretrained(base, "path/to/this/folder")
\`\`\`
`;
}
