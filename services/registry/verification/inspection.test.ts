import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BaseModel, Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { safetensors } from "../../../test/support/spoiled/adapter.ts";
import { spoiledBase as base, vocabulary } from "../../../test/support/spoiled/case.ts";
import { type TinyFile, tinyAdapter } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";
import { type Inspected, Inspection } from "./inspection.ts";

const [configuration, weights] = tinyAdapter(base.name) as [TinyFile, TinyFile];

function inspect(...files: readonly TinyFile[]): Inspected {
  return inspectFor(base, files);
}

function inspectFor(model: BaseModel, files: readonly TinyFile[]): Inspected {
  const inspection = new Inspection({ base: model, reference: undefined, digests: new Map(), throwsFirst: false });
  for (const { path, bytes } of files) {
    inspection.beginFile(path, bytes.length);
    inspection.data(bytes);
    inspection.endFile();
  }
  return inspection.finish();
}

function configured(change: object): TinyFile {
  const fields: object = JSON.parse(Buffer.from(configuration.bytes).toString());
  return { path: configuration.path, bytes: Buffer.from(JSON.stringify({ ...fields, ...change })) };
}

function tensors(path: string, count: number): TinyFile {
  const entries = Array.from(
    { length: count },
    (_, number) => `"${number}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`,
  );
  return { path, bytes: safetensors(`{${entries.join()}}`, new Uint8Array()) };
}

/** Places, and what is changed there. */
const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });

/** A file with changes in its first bytes. */
function changed({ path, bytes }: TinyFile, end: number, places: readonly (readonly [number, number])[]): TinyFile {
  const others = Buffer.from(bytes);
  for (const [place, difference] of places) others[place % end] = (others[place % end] ?? 0) ^ difference;
  return { path, bytes: others };
}

describe("an inspection", () => {
  test("takes what PEFT takes where the configuration does not say", () => {
    const text = '{"peft_type":"LORA","target_modules":["q_proj"],"rank_pattern":{"q_proj":2}}';
    const { faults, sound } = inspect({ path: configuration.path, bytes: Buffer.from(text) }, weights);
    expect(faults).toEqual([]);
    expect(sound?.peft).toMatchObject({ r: 8, loraAlpha: 8, maximumRank: 2, bias: "none", configurationJson: text });
  });

  test("with other bytes in a header has faults, or finds what it found before", () => {
    const header = 8 + Number(Buffer.from(weights.bytes).readBigUInt64LE());
    const good = inspect(configuration, weights).sound;
    fc.assert(
      fc.property(changes, (places) => {
        const { faults, sound } = inspect(configuration, changed(weights, header, places));
        for (const { reason } of faults) expect(reason).toMatch(/^ADAPTER_/);
        expect(sound).toEqual(faults.length > 0 ? undefined : good);
      }),
      { numRuns: 5000 },
    );
  });

  test("with other bytes in the configuration has faults, or is for the same layers", () => {
    const good = inspect(configuration, weights).sound?.peft.layers;
    fc.assert(
      fc.property(changes, (places) => {
        const { faults, sound } = inspect(changed(configuration, configuration.bytes.length, places), weights);
        for (const { reason } of faults) expect(reason).toMatch(/^(ADAPTER_|BASE_MODEL_MISMATCH)/);
        expect(sound?.peft.layers).toEqual(faults.length > 0 ? undefined : good);
      }),
      { numRuns: 5000 },
    );
  });

  test("of all linear layers leaves out what makes logits", () => {
    const head = Layer.create({
      name: "lm_head",
      kind: Layer_Kind.KIND_LINEAR,
      inputFeatures: 8,
      outputFeatures: 16,
    });
    const model = { ...base, layers: [...base.layers, head] };
    const files = [configured({ target_modules: "All-Linear" }), weights];
    expect(inspectFor(model, files).sound?.peft).toMatchObject({ targetModulesPattern: "All-Linear" });
    const wider = { ...model, vocabularySize: 17 };
    expect(inspectFor(wider, files).faults).toMatchObject([
      { metadata: { tensor: "base_model.model.lm_head.lora_A.weight" } },
      { metadata: { tensor: "base_model.model.lm_head.lora_B.weight" } },
    ]);
  });

  test("tells every field that is wrong, and nothing of the tensors then", () => {
    const { faults } = inspect(configured({ r: 0, lora_alpha: null, bias: 1, arrow_config: { top_k: 3 } }), weights);
    expect(faults.map(({ metadata }) => metadata["field"])).toEqual(
      ["r", "lora_alpha", "bias", "arrow_config"].sort(byPlace),
    );
  });

  test("holds to adapter_configuration_bytes", () => {
    const padded = (bytes: number): TinyFile => {
      const text = Buffer.from(configuration.bytes).toString();
      return { path: configuration.path, bytes: Buffer.from(text.padEnd(bytes)) };
    };
    expect(inspect(padded(limits.adapter_configuration_bytes), weights).faults).toEqual([]);
    expect(inspect(padded(limits.adapter_configuration_bytes + 1), weights).faults).toMatchObject([
      { reason: "ADAPTER_CONFIGURATION_INVALID", message: expect.stringContaining("adapter_configuration_bytes") },
    ]);
  });

  test("holds to adapter_rank", () => {
    expect(inspect(configured({ rank_pattern: { nobody: limits.adapter_rank } }), weights).faults).toEqual([]);
    expect(inspect(configured({ rank_pattern: { nobody: limits.adapter_rank + 1 } }), weights).faults).toMatchObject([
      { metadata: { field: "rank_pattern" }, message: expect.stringContaining("adapter_rank") },
    ]);
  });

  test("holds to adapter_scaling", () => {
    const scaled = (fields: object) => inspect(configured(fields), weights).faults;
    const maximum = limits.adapter_scaling;
    expect(scaled({ lora_alpha: 2 * maximum })).toEqual([]);
    expect(scaled({ lora_alpha: 2 * maximum + 2 })).toMatchObject([
      { reason: "ADAPTER_CONFIGURATION_INVALID", metadata: { field: "lora_alpha" } },
    ]);
    expect(scaled({ lora_alpha: 1.5 * maximum, use_rslora: true })).toMatchObject([
      { metadata: { field: "lora_alpha" }, message: expect.stringContaining("adapter_scaling is 65504") },
    ]);
    expect(scaled({ lora_alpha: 1e308, alpha_pattern: { q_proj: 4 } })).toEqual([]);
    expect(scaled({ alpha_pattern: { nobody: 1e308 } })).toEqual([]);
    expect(scaled({ alpha_pattern: { "0.self_attn.q_proj": 4, q_proj: 2 * maximum + 2 } })).toMatchObject([
      { metadata: { field: "alpha_pattern" }, message: expect.stringContaining("model.layers.1.self_attn.q_proj") },
    ]);
  });

  test("holds to adapter_configuration_depth", () => {
    const nested = (depth: number) => configured({ deep: JSON.parse("[".repeat(depth) + "]".repeat(depth)) });
    expect(inspect(nested(limits.adapter_configuration_depth - 1), weights).faults).toEqual([]);
    expect(inspect(nested(limits.adapter_configuration_depth), weights).faults).toMatchObject([
      { message: expect.stringContaining("nested deeper than 16") },
    ]);
  });

  test("holds to adapter_module_names", () => {
    const names = (count: number) => Array.from({ length: count }, (_, number) => `nobody${number}`);
    const saved = (count: number) => inspect(configured({ modules_to_save: names(count) }), weights).faults;
    expect(saved(limits.adapter_module_names)).toEqual([]);
    expect(saved(limits.adapter_module_names + 1)).toMatchObject([
      { metadata: { field: "modules_to_save" }, message: expect.stringContaining("adapter_module_names is 64") },
    ]);
  });

  test("takes a tokenizer of the same vocabulary, whatever else is in it", () => {
    const tokenizer = (text: string): TinyFile => ({ path: "tokenizer.json", bytes: Buffer.from(text) });
    const other = { added_tokens: [{ id: 2, content: "<pad>" }], padding: { pad_id: 2 } };
    const text = JSON.stringify({ ...other, model: { type: "BPE", merges: ["ä b"], vocab: { b: 1, ä: 0 } } }, null, 2);
    expect(vocabulary).toEqual({ ä: 0, b: 1 });
    expect(inspect(configuration, weights, tokenizer(text)).faults).toEqual([]);
    expect(inspectFor({ ...base, vocabularyDigest: "" }, [configuration, weights, tokenizer("none")]).faults).toEqual(
      [],
    );
    const below = { ...tokenizer("none"), path: "checkpoint-1/tokenizer.json" };
    expect(inspect(configuration, weights, below).faults).toEqual([]);
  });

  test("holds to tokenizer_bytes", { timeout: 30_000 }, () => {
    const padded = (bytes: number): TinyFile => {
      const text = Buffer.from(JSON.stringify({ model: { vocab: vocabulary } }));
      return { path: "tokenizer.json", bytes: Buffer.concat([text, Buffer.alloc(bytes - text.length, " ")]) };
    };
    expect(inspect(configuration, weights, padded(limits.tokenizer_bytes)).faults).toEqual([]);
    expect(inspect(configuration, weights, padded(limits.tokenizer_bytes + 1)).faults).toMatchObject([
      { reason: "LIMIT_EXCEEDED", metadata: { limit: "tokenizer_bytes", maximum: String(limits.tokenizer_bytes) } },
    ]);
  });

  test("holds to adapter_tensors", { timeout: 30_000 }, () => {
    const half = limits.adapter_tensors / 2;
    const files = [tensors("a.safetensors", half), tensors("b.safetensors", half)];
    expect(inspect(...files).faults).toEqual([]);
    expect(inspect(...files, tensors("c.safetensors", 1)).faults).toMatchObject([
      { reason: "LIMIT_EXCEEDED", metadata: { limit: "adapter_tensors", actual: String(limits.adapter_tensors + 1) } },
    ]);
  });

  test("tells vLLM's least --max-lora-rank by the largest rank that the configuration names", () => {
    const expected: readonly [number, number][] = [
      [1, 8],
      [8, 8],
      [9, 16],
      [65, 128],
      [257, 320],
      [321, 512],
      [512, 512],
      [513, 0],
    ];
    for (const [rank, least] of expected) {
      const { sound } = inspect(configured({ r: 2, rank_pattern: { nobody: rank } }), weights);
      const vllm = sound?.servability.find(({ engine }) => engine === "vllm");
      expect(vllm).toMatchObject({ servable: least > 0, minimumMaxLoraRank: least });
      expect(vllm?.problems).toHaveLength(least > 0 ? 0 : 1);
    }
    expect(inspect(configured({ r: 2 }), weights).sound?.servability[1]).toMatchObject({ minimumMaxLoraRank: 8 });
  });
});

/** Features are looked at last but one; other fields as they are read. */
function byPlace(a: string, b: string): number {
  const order = ["arrow_config", "r", "lora_alpha", "bias"];
  return order.indexOf(a) - order.indexOf(b);
}
