import { expect, test } from "vitest";
import { adapterMetadata as exportedMetadata } from "../../../clients/cli/export/adapter-set.ts";
import { AdapterVersion_State, Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { readMetadata, readRegistry, render } from "../../../test/support/documents.ts";

/** Every key that the source documents show, as other writers of JSON write numbers, and keys of their users. */
const document = `{
    "adapter_id": "legal-qa-v1",
    "adapter_version": "1.0.0",
    "base_model_name": "mistralai/Mistral-7B-v0.1",
    "task_type": "question-answering",
    "domain": "legal",
    "language": "de",
    "reviewer": {"name": "Müller", "on": ["2025-09-18", null], "ticket": 9007199254740993},
    "training": {
        "dataset_name": "themis_legal_2024",
        "num_samples": 50000,
        "epochs": 3,
        "learning_rate": 2e-4,
        "lora_rank": 8,
        "lora_alpha": 16.0,
        "lora_dropout": 0.1,
        "target_modules": ["q_proj", "v_proj", "k_proj", "o_proj"],
        "warmup_ratio": 0.10
    },
    "created_by": "themis-ml-team",
    "data_source_uri": "themisdb://prod/legal?theme=Rechtssprechung&from=2020-01-01",
    "vllm": {
        "enabled": true,
        "adapter_path": "/models/adapters/legal-qa-v1",
        "max_lora_rank": 16,
        "enable_multi_lora": true
    }
}`;

const imported = (text: string, baseUri = "") => {
  const [entry] = readMetadata(text, baseUri);
  return adapterVersion({ ...entry?.version, state: AdapterVersion_State.STATE_DECLARED });
};
const rendered = (version: ReturnType<typeof imported>, template = "") =>
  render([version], Format.FORMAT_ADAPTER_METADATA, template).content;

test("what the source documents show is read, and kept apart from what is checked", () => {
  const [entry] = readMetadata(document);
  expect(entry?.version).toMatchObject({
    adapter: "legal-qa-v1",
    label: "1.0.0",
    baseModel: { name: "mistralai/Mistral-7B-v0.1", revision: "", weightsDigest: "" },
    task: "question-answering",
    domains: ["legal"],
    language: "de",
    creator: "themis-ml-team",
    peft: {
      r: 8,
      loraAlpha: 16,
      loraDropout: 0.1,
      targetModules: ["q_proj", "v_proj", "k_proj", "o_proj"],
    },
    provenance: {
      dataSourceUri: "themisdb://prod/legal?theme=Rechtssprechung&from=2020-01-01",
      training: {
        datasetName: "themis_legal_2024",
        sampleCount: 50_000n,
        epochs: 3,
        learningRate: 2e-4,
        configurationJson: '{"warmup_ratio":0.1}',
      },
    },
    artifact: undefined,
    servability: [],
    declared: {
      id: "legal-qa-v1",
      format: "adapter_metadata",
      artifactPath: "/models/adapters/legal-qa-v1",
      document,
    },
  });
});

test("what came is written byte for byte while nothing changed", () => {
  expect(rendered(imported(document))).toBe(document);
});

test("what changed since is brought up to date; unknown keys, their order and the form of numbers stay", () => {
  const version = imported(document);
  const text = rendered({
    ...version,
    metrics: { eval_loss: 1.5 },
    metadata: { stage: "review" },
    peft: version.peft && { ...version.peft, r: 16 },
    servability: [{ engine: "vllm", servable: false, problems: ["…"], minimumMaxLoraRank: 0 }],
  });
  const expected = JSON.parse(document);
  Object.assign(expected.training, { lora_rank: 16 });
  Object.assign(expected.vllm, { enabled: false, enable_multi_lora: false });
  Object.assign(expected, { metrics: { eval_loss: 1.5 }, custom_metadata: { stage: "review" } });
  expect(JSON.parse(text)).toEqual(expected);
  expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(expected));
  expect(text).toContain('"lora_alpha": 16.0');
  expect(text).toContain('"learning_rate": 2e-4');
  expect(text).toContain('"ticket": 9007199254740993');
});

test("a path template says where the files are elsewhere", () => {
  expect(JSON.parse(rendered(imported(document), "/mnt/{adapter}")).vllm).toEqual({
    enabled: true,
    adapter_path: "/mnt/legal-qa-v1",
    max_lora_rank: 16,
    enable_multi_lora: true,
  });
});

test("a registered version has the keys that trainers and servers read", () => {
  expect(JSON.parse(rendered(adapterVersion(), "/models/adapters/{name}"))).toEqual({
    adapter_id: "legal-qa",
    adapter_version: "1.0.0",
    base_model_name: "mistralai/Mistral-7B-v0.1",
    base_model_hash: "a".repeat(64),
    tokenizer_hash: "b".repeat(64),
    method: "lora",
    task_type: "question-answering",
    domain: "legal",
    language: "de",
    created_by: "themis-ml-team",
    data_source_uri: "themisdb://prod/legal?theme=Rechtssprechung&from=2020-01-01",
    training: {
      dataset_name: "themis_legal_2024",
      num_samples: 50_000,
      epochs: 3,
      learning_rate: 2e-4,
      lora_rank: 8,
      lora_alpha: 16,
      lora_dropout: 0.1,
      target_modules: ["q_proj", "v_proj", "k_proj", "o_proj"],
    },
    vllm: { enabled: true, adapter_path: "/models/adapters/legal-qa@3", max_lora_rank: 8, enable_multi_lora: true },
    metrics: { eval_loss: 1.25, perplexity: 7.1 },
    loraloop: {
      version: "legal-qa@3",
      base_model_revision: "main",
      artifact: "d".repeat(64),
      run: "run-7",
      snapshots: [
        {
          dataset: "legal",
          dataset_version: 2,
          snapshot: "5".repeat(64),
          digest: "6".repeat(64),
          revision: 41,
          num_samples: 50_000,
        },
      ],
    },
  });
});

test("what came in another format tells where the registry has the files", () => {
  const declared = { format: "model_card", artifactPath: "" };
  const path = `/data/artifacts/t1/${"d".repeat(64)}`;
  expect(JSON.parse(rendered(adapterVersion({ declared }))).vllm.adapter_path).toBe(path);
});

test("what is out of service is not called enabled", () => {
  const version = adapterVersion({ state: AdapterVersion_State.STATE_QUARANTINED });
  expect(JSON.parse(rendered(version)).vllm.enabled).toBe(false);
});

test("rsLoRA, DoRA, patterns and targets as a regular expression come back", () => {
  const shape = {
    r: 8,
    loraAlpha: 32,
    useRslora: true,
    useDora: true,
    rankPattern: { "layers.0.q_proj": 16 },
    alphaPattern: { "^model.*v_proj$": 8.5 },
    targetModulesPattern: ".*\\.(q|v)_proj",
    bias: "lora_only",
    loraBias: true,
    modulesToSave: ["lm_head"],
  };
  const text = rendered(adapterVersion({ peft: shape }));
  expect(JSON.parse(text).training.target_modules).toBe(".*\\.(q|v)_proj");
  expect(imported(text).peft).toMatchObject(shape);
});

test("the set that an export writes is read", () => {
  const index = {
    dataset: "faq",
    dataset_version: 3,
    revision: 7,
    as_of: "2026-01-01T00:00:00Z",
    spec: {
      adapter_metadata: {
        adapter_id: "faq-v1",
        domain: ["service", "faq"],
        owner: "team",
        training_config: { lora_rank: 8, lora_alpha: 16, target_modules: ["q_proj"], epochs: 2 },
        vllm_config: { enabled: true, adapter_path: "/models/adapters/faq-v1" },
      },
    },
    splits: [
      { name: "train", samples: 120, snapshot: "5".repeat(64), digest: "6".repeat(64), shards: [{ sha256: "7" }] },
    ],
  };
  const text = JSON.stringify(exportedMetadata(index as never), undefined, 2);
  expect(imported(text)).toMatchObject({
    adapter: "faq-v1",
    domains: ["service", "faq"],
    peft: { r: 8, loraAlpha: 16, targetModules: ["q_proj"] },
    provenance: { training: { datasetName: "faq", sampleCount: 120n, epochs: 2 } },
    declared: { artifactPath: "/models/adapters/faq-v1" },
  });
  expect(rendered(imported(text))).toBe(text);
});

test("what the exporter is configured with is read as well, and keeps its keys", () => {
  const { training, vllm, ...others } = JSON.parse(document);
  const configuration = { enable_tracking: true, ...others, training_config: training, vllm_config: vllm };
  const text = JSON.stringify(configuration);
  const [entry] = readMetadata(document);
  const { declared, ...said } = imported(text);
  expect(said).toMatchObject({ peft: entry?.version.peft, provenance: entry?.version.provenance });
  expect(declared).toMatchObject({ artifactPath: "/models/adapters/legal-qa-v1" });
  expect(rendered(imported(text))).toBe(text);
  const version = imported(text);
  const peft = version.peft && { ...version.peft, r: 16 };
  const servability = [{ engine: "vllm", servable: false, problems: ["…"], minimumMaxLoraRank: 0 }];
  expect(JSON.parse(rendered({ ...version, peft, servability }, "/m"))).toEqual({
    ...configuration,
    training_config: { ...training, lora_rank: 16 },
    vllm_config: { ...vllm, enabled: false, enable_multi_lora: false, adapter_path: "/m" },
  });
});

test("what no version can hold stays in the document", () => {
  const text = `{"adapter_id":"a","method":"LoRA","metrics":{"loss":1.50,"pass@1":0.5,"bleu":null,"f1":{"de":1}},"custom_metadata":{"team":"x","reviewed":true}}`;
  const version = imported(text);
  expect(version).toMatchObject({ method: Method.METHOD_LORA, metrics: { loss: 1.5 }, metadata: { team: "x" } });
  expect(Object.keys(version.metrics)).toEqual(["loss"]);
  expect(rendered(version)).toBe(text);
  const changed = rendered({ ...version, metrics: { loss: 2 }, metadata: { team: "y" } });
  expect(JSON.parse(changed)).toEqual({
    adapter_id: "a",
    method: "LoRA",
    metrics: { loss: 2, "pass@1": 0.5, bleu: null, f1: { de: 1 } },
    custom_metadata: { team: "y", reviewed: true },
  });
});

test("what nobody said of the shape is not written", () => {
  const [entry] = readRegistry('{"id":"a","rank":16,"method":"lora","dataset_ref":"laws","path":"x/y"}', "");
  const written = JSON.parse(rendered(adapterVersion({ ...entry?.version, artifact: undefined })));
  expect(written.training).toEqual({ lora_rank: 16, dataset_name: "laws" });
  expect(written.vllm).toMatchObject({ adapter_path: "x/y" });
});

test("the form of a number stays where its files say the same", () => {
  const text = '{"adapter_id":"a","training":{"lora_rank":8,"lora_dropout":0.0}}';
  const version = imported(text);
  const peft = version.peft && { ...version.peft, configurationJson: "{}", targetModules: ["q_proj"] };
  const servability = [{ engine: "vllm", servable: true, problems: [], minimumMaxLoraRank: 8 }];
  expect(rendered({ ...version, peft, servability })).toContain('"lora_dropout": 0.0');
});

test("the request names the adapter of a document that names none, or another", () => {
  const read = (text: string) => readMetadata(text, "", "mine")[0]?.version;
  expect(read('{"training":{"epochs":2}}')).toMatchObject({ adapter: "mine", declared: { id: "" } });
  expect(read('{"adapter_id":"Legal QA"}')).toMatchObject({ adapter: "mine", declared: { id: "Legal QA" } });
  const text = '{"training": {"epochs": 2}}';
  expect(rendered(adapterVersion({ ...read(text), state: AdapterVersion_State.STATE_DECLARED }))).toBe(text);
  const [own] = readMetadata('{"adapter_id":"mine"}');
  const [named] = readMetadata('{"adapter_id":"mine"}', "", "other");
  expect(own?.digest).not.toBe(named?.digest);
});

test("a byte order mark is no part of a document", () => {
  expect(imported('\ufeff{"adapter_id":"a"}')).toMatchObject({ declared: { document: '{"adapter_id":"a"}' } });
});

test("absent and null are the same", () => {
  const text = '{"adapter_id":"a","domain":null,"training":null,"vllm":{"adapter_path":null},"metrics":null}';
  expect(imported(text)).toMatchObject({ adapter: "a", domains: [], peft: undefined, baseModel: undefined });
  expect(rendered(imported(text))).toBe(text);
});

test.each<[string, string, string]>([
  ["a list", "[]", "expected object"],
  ["no id", "{}", "adapter_id"],
  ["an id with a way out", '{"adapter_id":"../up"}', "adapter_id"],
  ["an id with capitals", '{"adapter_id":"Legal"}', "adapter_id"],
  ["a rank of 0", '{"adapter_id":"a","training":{"lora_rank":0}}', "training.lora_rank"],
  ["a rank beyond all", '{"adapter_id":"a","training":{"lora_rank":65537}}', "training.lora_rank"],
  ["a text as a number", '{"adapter_id":"a","training":{"lora_alpha":"16"}}', "training.lora_alpha"],
  ["a negative count", '{"adapter_id":"a","training":{"num_samples":-1}}', "training.num_samples"],
  ["half a count", '{"adapter_id":"a","training":{"num_samples":1.5}}', "training.num_samples"],
  ["a number beyond doubles", '{"adapter_id":"a","training":{"epochs":1e999}}', "training.epochs"],
  ["half of a character", '{"adapter_id":"a","task_type":"\\ud800"}', "task_type"],
  ["a NUL", '{"adapter_id":"a","task_type":"\\u0000"}', "task_type"],
  ["a password", '{"adapter_id":"a","data_source_uri":"postgres://me:secret@db/x"}', "data_source_uri"],
  ["another method", '{"adapter_id":"a","method":"ia3"}', "method"],
  [
    "metadata that is too long",
    `{"adapter_id":"a","custom_metadata":{"k":"${"x".repeat(5_000)}"}}`,
    "custom_metadata.k",
  ],
  ["a key twice", '{"adapter_id":"a","adapter_id":"b"}', "twice"],
  ["a key twice, deep in what nobody reads", '{"adapter_id":"a","x":[{"y\\"":":","y\\"":"\\\\"}]}', "twice"],
  ["metadata of no name", '{"adapter_id":"a","custom_metadata":{"":"v"}}', "custom_metadata"],
  ["no JSON", '{"adapter_id":"a",}', "no JSON"],
  ["nothing", "", "no JSON"],
])("%s is refused", (_, text, problem) => {
  expect(() => readMetadata(text)).toThrow(
    expect.objectContaining({ reason: "DOCUMENT_INVALID", message: expect.stringContaining(problem) }),
  );
});
