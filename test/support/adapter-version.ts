import {
  AdapterVersion,
  AdapterVersion_State,
  type DeepPartial,
  Method,
} from "../../proto/gen/loraloop/registry/v1/adapter.ts";

/** A version as clients see it: registered with all that a training tells, in service, and what `change` says. */
export function adapterVersion(change: DeepPartial<AdapterVersion> = {}): AdapterVersion {
  return AdapterVersion.fromPartial({
    adapter: "legal-qa",
    version: 3,
    name: "legal-qa@3",
    state: AdapterVersion_State.STATE_READY,
    baseModel: {
      name: "mistralai/Mistral-7B-v0.1",
      revision: "main",
      weightsDigest: "a".repeat(64),
      tokenizerDigest: "b".repeat(64),
    },
    method: Method.METHOD_LORA,
    peft: {
      r: 8,
      loraAlpha: 16,
      loraDropout: 0.1,
      targetModules: ["q_proj", "v_proj", "k_proj", "o_proj"],
      bias: "none",
      taskType: "CAUSAL_LM",
      maximumRank: 8,
      configurationJson: '{\n  "peft_type": "LORA"\n}\n',
    },
    artifact: {
      digest: "d".repeat(64),
      uri: `file:///data/artifacts/t1/${"d".repeat(64)}`,
      files: [{ path: "adapter_config.json", byteCount: 27n, digest: "e".repeat(64) }],
      byteCount: 27n,
      kept: true,
    },
    provenance: {
      run: "run-7",
      snapshots: [
        {
          snapshot: "5".repeat(64),
          digest: "6".repeat(64),
          dataset: "legal",
          datasetVersion: 2,
          collection: "law",
          revision: 41n,
          sampleCount: 50_000n,
        },
      ],
      dataSourceUri: "themisdb://prod/legal?theme=Rechtssprechung&from=2020-01-01",
      training: { datasetName: "themis_legal_2024", epochs: 3, learningRate: 2e-4 },
    },
    task: "question-answering",
    domains: ["legal"],
    language: "de",
    servability: [
      { engine: "peft", servable: true },
      { engine: "vllm", servable: true, minimumMaxLoraRank: 8 },
    ],
    metrics: { eval_loss: 1.25, perplexity: 7.1 },
    label: "1.0.0",
    creator: "themis-ml-team",
    ...change,
  });
}
