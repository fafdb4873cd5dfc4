import { expect, test } from "vitest";
import { parse } from "yaml";
import { AdapterVersion_State, Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { readModelCard, render } from "../../../test/support/documents.ts";
import { limits } from "../../kit/limits.ts";
import { modelCard } from "./model-card.ts";

const card = `---
# Made by hand.
base_model:
- mistralai/Mistral-7B-v0.1
license: apache-2.0
language: [de]
tags:
- 'qlora'
- tax
library_name: peft
datasets: steuer_202509
model-index:
- name: steuerrecht
  results:
  - task: {type: question-answering}
    dataset: {name: Dev, type: dev, args: {split: 10%}}
    metrics:
    - type: accuracy
      value: 0.50   # on ten questions
      verified: false
    - type: bleu
      value: "41,2"
widget:
- text: "Was ist …?"
---

# Ein Adapter

---
Text.
`;

const imported = (text: string, adapter = "") => {
  const [entry] = readModelCard(text, adapter, "");
  return adapterVersion({
    ...entry?.version,
    version: 1,
    name: `${entry?.version.adapter}@1`,
    state: AdapterVersion_State.STATE_DECLARED,
  });
};
const rendered = (version: ReturnType<typeof imported>) => render([version], Format.FORMAT_MODEL_CARD);

test("the Hub's metadata is read", () => {
  expect(imported(card)).toMatchObject({
    adapter: "steuerrecht",
    baseModel: { name: "mistralai/Mistral-7B-v0.1", revision: "" },
    method: Method.METHOD_QLORA,
    task: "question-answering",
    language: "de",
    metrics: { accuracy: 0.5 },
    metadata: { license: "apache-2.0" },
    provenance: { training: { datasetName: "steuer_202509" } },
    artifact: undefined,
    declared: { format: "model_card", id: "steuerrecht", datasetReference: "steuer_202509", document: card },
  });
});

test("a card is written byte for byte while nothing changed", () => {
  expect(rendered(imported(card))).toEqual({ content: card, fileName: "README.md" });
  const windows = card.replaceAll("\n", "\r\n");
  expect(rendered(imported(windows)).content).toBe(windows);
});

test("what changed since is brought up to date; unknown keys, comments and text stay", () => {
  const changed = { metrics: { accuracy: 0.75, perplexity: 7.1 }, metadata: { license: "mit" } };
  const { content } = rendered({ ...imported(card), ...changed });
  const metadata = parse(content.split("---\n")[1] ?? "");
  const before = parse(card.split("---\n")[1] ?? "");
  const metrics = [
    { type: "accuracy", value: 0.75, verified: false },
    { type: "bleu", value: "41,2" },
    { type: "perplexity", value: 7.1 },
  ];
  before["model-index"][0].results[0].metrics = metrics;
  expect(metadata).toEqual({ ...before, license: "mit" });
  expect(content).toContain("# Made by hand.");
  expect(content).toContain("# on ten questions");
  expect(content.endsWith(card.slice(card.indexOf("---\n\n# Ein Adapter")))).toBe(true);
});

test("what its files tell takes the place of what the card says; other tags stay", () => {
  const { baseModel, servability, peft, artifact } = adapterVersion();
  const found = { method: Method.METHOD_LORA, baseModel, servability, peft, artifact };
  const metadata = parse(rendered({ ...imported(card), ...found }).content.split("---\n")[1] ?? "");
  expect(metadata).toMatchObject({ tags: ["tax", "lora"], pipeline_tag: "text-generation" });
});

test.each(["", "model-index:\n", "model-index: []\n"])("a card without models (%j) gets one", (index) => {
  const { content } = rendered({
    ...imported(`---\nlibrary_name: peft\n${index}---\n`, "mine"),
    metrics: { loss: 1 },
  });
  expect(parse(content.split("---\n")[1] ?? "")["model-index"]).toMatchObject([
    { name: "mine@1", results: [{ metrics: [{ type: "loss", value: 1 }] }] },
  ]);
});

test.each([
  ["no results", "- {name: x, results: []}\n- {name: y, extra: 1}\n", "[0].results[0].metrics"],
  ["no list of results", "- name: x\n- name: y\n", "[0].results[0].metrics"],
  [
    "results without metrics",
    "- name: x\n  results: [{dataset: {name: D}, source: {url: u}}]\n",
    "[0].results[1].metrics",
  ],
  [
    "metrics in the second",
    "- name: x\n  results: [{a: 1}, {b: 2, metrics: [{type: f1, value: 1}]}]\n",
    "[0].results[1].metrics",
  ],
])("a new metric takes nothing away: %s", (_, index, place) => {
  const text = `---\nlibrary_name: peft\nmodel-index:\n${index}---\n`;
  const read = (card: string) => parse(card.split("---\n")[1] ?? "")["model-index"];
  const version = imported(text, "mine");
  const [before, after] = [
    read(text),
    read(rendered({ ...version, metrics: { ...version.metrics, loss: 1, bleu: 2 } }).content),
  ];
  expect(after).toHaveProperty(place);
  expect(JSON.stringify(after)).toContain('{"type":"loss","value":1},{"type":"bleu","value":2}');
  expect(after).toMatchObject(before.map(({ results, ...model }: { results?: object[] }) => model));
  for (const [at, result] of (before[0].results ?? []).entries()) {
    const { metrics = [], ...others } = result;
    expect(after[0].results[at]).toMatchObject(others);
    expect(after[0].results[at].metrics ?? []).toEqual(expect.arrayContaining(metrics));
  }
});

test("the form of what did not change stays", () => {
  const unknown = `id: 12345678901234567890
sha: 1234e5
octal: 010
huge: 1e400
float: 1.0e+3
nothing: ~
yes: True
no: no
on: 2024-01-01
tags: # of ours
- lora # the method
- '1234e5'
`;
  const text = `---\n${unknown}model-index:\n- name: a\n  results:\n  - metrics:\n    - {type: loss, value: 1.50}\n---\n`;
  const version = imported(text);
  const changed = { ...version, metrics: { loss: 1e-7 }, metadata: { license: "no" }, method: Method.METHOD_DORA };
  const { content } = rendered({
    ...changed,
    servability: [{ engine: "vllm", servable: false, problems: [] }],
  } as never);
  const words = (card: string) => card.split(/\s+/);
  const tags = unknown.replace("- lora # the method\n- '1234e5'\n", "- '1234e5'\n- dora\n");
  const index = "model-index:\n- name: a\n  results:\n  - metrics:\n    - { type: loss, value: 1.0e-7 }\n";
  expect(words(content)).toEqual(words(`---\n${tags}${index}license: "no"\n---\n`));
});

test("our own card is read, and comes back", () => {
  const version = adapterVersion({ metadata: { license: "mit" } });
  const [entry] = readModelCard(modelCard(version), "", "");
  const { adapter, task, language, metrics, metadata, method } = version;
  expect(entry?.version).toMatchObject({ adapter, task, language, metrics, metadata, method });
  expect(rendered(imported(modelCard(version))).content).toBe(modelCard(version));
});

test("the request names the adapter of a card that names none", () => {
  const [entry] = readModelCard("---\nbase_model: tiny\n---\n", "mine", "file:///models/mine");
  expect(entry?.version).toMatchObject({ adapter: "mine", artifact: { uri: "file:///models/mine" } });
});

const deep = `a: ${"[".repeat(20_000)}`;
const bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
test.each<[string, string, string]>([
  ["text without metadata", "# A card", "does not begin with metadata"],
  ["metadata without an end", "---\nlicense: mit\n", "does not begin with metadata"],
  ["metadata that is no YAML", "---\na: [\n---\n", "no YAML"],
  ["metadata that is a list", "---\n- a\n---\n", "keys and values"],
  ["a key twice", "---\nlicense: a\nlicense: b\n---\n", "twice"],
  ["deep nesting", `---\n${deep}\n---\n`, "no YAML"],
  ["references", `---\n${bomb}---\n`, "cannot be used"],
  ["a type of a program", "---\na: !!python/object:os.system x\n---\n", "no YAML"],
  ["no adapter", "---\nlicense: mit\n---\n", "model-index[0].name"],
  ["another library", "---\nlibrary_name: diffusers\n---\n", "library_name"],
  ["a merge", "---\nbase_model_relation: merge\n---\n", "base_model_relation"],
  ["a license that is a list", "---\nlicense: [a]\n---\n", "license"],
])("%s is refused", (_, text, problem) => {
  expect(() => readModelCard(text, "", "")).toThrow(
    expect.objectContaining({ reason: "DOCUMENT_INVALID", message: expect.stringContaining(problem) }),
  );
});

test("card_metadata_bytes", () => {
  const padded = (bytes: number) => `---\n${"license: mit\n".padEnd(bytes - 1, "#")}\n---\n`;
  expect(readModelCard(padded(limits.card_metadata_bytes), "a", "")).toHaveLength(1);
  expect(() => readModelCard(padded(limits.card_metadata_bytes + 1), "a", "")).toThrow("card_metadata_bytes");
});
