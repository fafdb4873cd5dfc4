import { expect, test } from "vitest";
import { Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { spoiledBase } from "../../../test/support/spoiled/case.ts";
import { safetensors } from "../../../test/support/tiny-adapter.ts";
import { type Inspected, Inspection } from "./inspection.ts";

const experts = "model.layers.0.mlp.experts";
const layer = (name: string, kind: Layer_Kind, change: Partial<Layer>) => Layer.create({ name, kind, ...change });

/** Three experts of width 8 with 4 inside, and a linear layer. */
const base = {
  ...spoiledBase,
  layers: [
    layer(`${experts}.down`, Layer_Kind.KIND_PARAMETER, {
      inputFeatures: 4,
      outputFeatures: 8,
      matrixCount: 3,
      parameterPlace: 1,
    }),
    layer(`${experts}.up`, Layer_Kind.KIND_PARAMETER, { inputFeatures: 8, outputFeatures: 4, matrixCount: 3 }),
    layer("model.layers.0.q_proj", Layer_Kind.KIND_LINEAR, { inputFeatures: 8, outputFeatures: 8 }),
  ],
};
/** Of rank 2: `down` is the later parameter, and lies outside. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  [`${experts}.lora_A`]: [6, 4],
  [`${experts}.lora_B`]: [8, 6],
  [`${experts}.base_layer.lora_A`]: [6, 8],
  [`${experts}.base_layer.lora_B`]: [4, 6],
};
const fields = {
  peft_type: "LORA",
  base_model_name_or_path: base.name,
  r: 2,
  lora_alpha: 4,
  target_modules: [],
  target_parameters: ["experts.up", "experts.down"],
};

function inspect(change: object, tensors = shapes, model = base): Inspected {
  const all = Object.entries(tensors).map(([name, shape]) => ({ name: `base_model.model.${name}.weight`, shape }));
  const configuration = Buffer.from(JSON.stringify({ ...fields, ...change }));
  const inspection = new Inspection({ base: model, reference: undefined, digests: new Map(), throwsFirst: false });
  const files = { "adapter_config.json": configuration, "adapter_model.safetensors": safetensors(all, 0.5) };
  for (const [path, bytes] of Object.entries(files)) {
    inspection.beginFile(path, bytes.length);
    inspection.data(bytes);
    inspection.endFile();
  }
  return inspection.finish();
}

const reasons = ({ faults }: Inspected): string[] => faults.map(({ reason }) => reason);

test("parameters of one module lie inside one another, the last one outermost, each expert with its own rows", () => {
  const { faults, sound } = inspect({});
  expect(faults).toEqual([]);
  expect(sound?.peft).toMatchObject({
    layers: [`${experts}.down`, `${experts}.up`],
    targetModules: [],
    targetParameters: ["experts.down", "experts.up"],
    maximumRank: 2,
  });
  const { [`${experts}.base_layer.lora_A`]: _, [`${experts}.base_layer.lora_B`]: __, ...outer } = shapes;
  expect(inspect({ target_parameters: ["down"] }, outer).sound?.peft.layers).toEqual([`${experts}.down`]);
});

test("ranks and alphas go by the parameter's name", () => {
  const wider = { ...shapes, [`${experts}.lora_A`]: [15, 4], [`${experts}.lora_B`]: [8, 15] };
  expect(inspect({ rank_pattern: { down: 5 } }, wider).sound?.peft.maximumRank).toBe(5);
  expect(reasons(inspect({ rank_pattern: { experts: 5 } }, wider))).toEqual(Array(2).fill("ADAPTER_SHAPE_MISMATCH"));
  expect(inspect({ alpha_pattern: { "experts.up": 1e9 } }).faults).toMatchObject([
    { metadata: { field: "alpha_pattern" }, message: expect.stringContaining(`${experts}.up`) },
  ]);
});

test("the weight of a linear layer is a parameter too", () => {
  const own = { "model.layers.0.q_proj.lora_A": [2, 8], "model.layers.0.q_proj.lora_B": [8, 2] };
  const { faults, sound } = inspect({ target_parameters: ["q_proj.weight"] }, own);
  expect(faults).toEqual([]);
  expect(sound?.peft.layers).toEqual(["model.layers.0.q_proj"]);
  expect(sound?.servability).toMatchObject([{ servable: true }, { engine: "vllm", servable: true }]);
  const both = inspect({ target_modules: ["q_proj"] }, { ...shapes, ...own });
  expect(both.sound?.peft.layers).toEqual([...base.layers.map(({ name }) => name)].sort());
  const twice = inspect({ target_modules: ["q_proj"], target_parameters: ["q_proj.weight"] }, own);
  expect(twice.faults).toMatchObject([{ metadata: { field: "target_parameters" } }]);
});

test("what only the files have is none of the model's, and may be adapted where the adapter has something for it", () => {
  const kind = Layer_Kind.KIND_LINEAR;
  const names = ["model.layers.0.router", `${experts}.0.w1`, `${experts}.1.w1`];
  const files = names.map((name) => layer(name, kind, { inputFeatures: 8, outputFeatures: 8, onlyInFiles: true }));
  const merged = { ...base, layers: [...base.layers, ...files] };
  expect(inspect({ target_parameters: [...fields.target_parameters, "router.weight"] }, shapes, merged).faults).toEqual(
    [],
  );
  expect(inspect({ modules_to_save: ["router", "w1"] }, shapes, merged).faults).toEqual([]);
  const matrices = (name: string) => ({ [`${name}.lora_A`]: [2, 8], [`${name}.lora_B`]: [8, 2] });
  const [router, first, second] = names.map(matrices);
  const old = { target_modules: ["w1", "router", "q_proj"], target_parameters: [] };
  const query = matrices("model.layers.0.q_proj");
  for (const tensors of [query, { ...query, ...router }, { ...query, ...first, ...second }]) {
    expect(inspect(old, tensors, merged).faults).toEqual([]);
  }
  expect(reasons(inspect(old, { ...query, ...first }, merged))).toEqual(Array(2).fill("ADAPTER_TENSOR_MISSING"));
});

test("a convolution's weight is no parameter with matrices", () => {
  const convolution = layer("projection", Layer_Kind.KIND_CONVOLUTION, { inputFeatures: 3, outputFeatures: 16 });
  const tensors = { "projection.lora_A": [2, 3], "projection.lora_B": [16, 2] };
  const found = inspect({ target_parameters: ["projection.weight"] }, tensors, { ...base, layers: [convolution] });
  expect(reasons(found)).toEqual(["ADAPTER_TARGETS_UNKNOWN"]);
});

test("what does not fit is refused by name", () => {
  const two = { ...shapes, [`${experts}.lora_A`]: [4, 4] };
  expect(inspect({}, two).faults).toMatchObject([
    { reason: "ADAPTER_SHAPE_MISMATCH", metadata: { expected: "(6, 4)" } },
  ]);
  expect(reasons(inspect({}, {}))).toEqual(Array(4).fill("ADAPTER_TENSOR_MISSING"));
  expect(reasons(inspect({ target_parameters: ["down"] }))).toEqual(Array(2).fill("ADAPTER_TENSOR_UNEXPECTED"));
  expect(inspect({ target_parameters: ["experts.gate"] }).faults).toMatchObject([
    { reason: "ADAPTER_TARGETS_UNKNOWN", metadata: { target: "experts.gate" } },
  ]);
  expect(reasons(inspect({ target_modules: ["down"], target_parameters: [] }))).toContain("ADAPTER_TARGETS_UNKNOWN");
  expect(inspect({ target_parameters: [] }).faults).toMatchObject([{ metadata: { field: "target_modules" } }]);
});

test.each([
  { use_dora: true },
  { lora_bias: true },
  { lora_dropout: 0.1 },
  { fan_in_fan_out: true },
  { init_lora_weights: "pissa" },
  { target_modules: null },
  { target_parameters: "down" },
])("PEFT makes none with %j", (change) => {
  const [field] = Object.keys(change);
  expect(inspect(change).faults[0]).toMatchObject({ reason: "ADAPTER_CONFIGURATION_INVALID", metadata: { field } });
});

test("names that the model does not have are no fault beside those that it has, as for PEFT", () => {
  expect(inspect({ target_parameters: ["experts.up", "experts.down", "router.weight"] }).faults).toEqual([]);
});
