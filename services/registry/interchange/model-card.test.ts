import { expect, test } from "vitest";
import { parse } from "yaml";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { modelCard } from "./model-card.ts";

const metadataOf = (card: string) => parse(card.split("---\n")[1] ?? "");

test("metadata as the Hub reads it", () => {
  expect(metadataOf(modelCard(adapterVersion()))).toEqual({
    base_model: "mistralai/Mistral-7B-v0.1",
    base_model_relation: "adapter",
    library_name: "peft",
    pipeline_tag: "text-generation",
    language: "de",
    datasets: ["legal", "themis_legal_2024"],
    tags: ["lora", "question-answering", "legal"],
    "model-index": [
      {
        name: "legal-qa@3",
        results: [
          {
            task: { type: "question-answering" },
            dataset: { name: "legal", type: "legal" },
            metrics: [
              { type: "eval_loss", value: 1.25 },
              { type: "perplexity", value: 7.1 },
            ],
          },
        ],
      },
    ],
  });
});

test("a license only where the version's metadata names one", () => {
  expect(metadataOf(modelCard(adapterVersion({ metadata: { license: "apache-2.0" } })))).toMatchObject({
    license: "apache-2.0",
  });
});

test("what nobody knows is left out", () => {
  const bare = adapterVersion({
    metrics: {},
    provenance: undefined,
    baseModel: undefined,
    peft: undefined,
    language: "",
  });
  expect(metadataOf(modelCard(bare))).toEqual({
    base_model_relation: "adapter",
    library_name: "peft",
    tags: ["lora", "question-answering", "legal"],
  });
  expect(modelCard(bare)).not.toMatch(/How to load|Metrics|undefined/);
});

test("readers of YAML 1.1 see texts as texts and numbers as numbers", () => {
  const texts = { language: "no", task: "2026-01-01", domains: ["on", "1_000", "0x1f", "1:30", "~", "=", "x"] };
  const card = modelCard(adapterVersion({ ...texts, metrics: { small: 1e-7, large: 1e21, whole: 3 } }));
  const metadata = parse(card.split("---\n")[1] ?? "", { version: "1.1" });
  expect(card).toContain('- "="\n');
  expect(metadata).toMatchObject({ language: "no", tags: ["lora", "2026-01-01", ...texts.domains] });
  // PyYAML wants a point and a sign besides.
  expect(card.match(/(?<=value: ).*/g)).toEqual(["1.0e-7", "1.0e+21", "3"]);
});

test("what nobody said of a shape is left out", () => {
  const card = modelCard(adapterVersion({ peft: { r: 8 } }));
  expect(card).toContain("| Rank | 8 |");
  expect(card).not.toMatch(/alpha|dropout/);
});

test("texts of callers break neither metadata nor table", () => {
  const text = 'a: "b"\n---\n| x | # y';
  const card = modelCard(adapterVersion({ task: text, baseModel: { name: text }, metadata: { license: text } }));
  const end = card.indexOf("\n---\n\n# legal-qa@3");
  expect(parse(card.slice(4, end))).toMatchObject({ base_model: text, license: text });
  expect(card).toContain('| Base model | a: "b" --- \\| x \\| # y |');
});

test("people see where it comes from and how to load it", () => {
  const card = modelCard(adapterVersion());
  expect(card).toContain("# legal-qa@3");
  expect(card).toContain("| Base model | mistralai/Mistral-7B-v0.1 @ main |");
  expect(card).toContain("| Trained on | legal version 2, 50000 samples (snapshot 5555");
  expect(card).toContain('AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1", revision="main")');
});
