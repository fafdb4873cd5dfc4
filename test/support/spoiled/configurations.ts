import { configuration, configurationText, configured, field, type SpoiledCase } from "./case.ts";

/** What `adapter_config.json` says. */
export const spoiledConfigurations: Readonly<Record<string, SpoiledCase>> = {
  "rank 0": { spoil: configured({ r: 0 }), ...field("r") },
  "a rank above all bounds": { spoil: configured({ r: 65_537 }), ...field("r", /adapter_rank/) },
  "a rank as text": { spoil: configured({ r: "2" }), ...field("r") },
  "a rank that Python takes for no whole number": {
    spoil: (adapter) =>
      adapter.text(configuration, adapter.file(configuration).toString().replace('"r": 2', '"r": 2.0')),
    ...field("r", /with a point/),
  },
  "half a rank": { spoil: configured({ rank_pattern: { q_proj: 2.5 } }), ...field("rank_pattern") },
  "alpha as text": { spoil: configured({ lora_alpha: "16" }), ...field("lora_alpha") },
  "alpha below 0": { spoil: configured({ lora_alpha: -16 }), ...field("lora_alpha") },
  "alpha 0 for a layer": { spoil: configured({ alpha_pattern: { q_proj: 0 } }), ...field("alpha_pattern") },
  "alpha beyond all scalings": {
    spoil: configured({ lora_alpha: 1e308 }),
    ...field(
      "lora_alpha",
      /: lora_alpha is 1e\+308 for "model\.layers\.0\.self_attn\.q_proj" of rank 2: .* adapter_scaling is 65504/,
    ),
  },
  "alpha beyond all scalings for a layer": {
    spoil: configured({ alpha_pattern: { "layers.1.self_attn.q_proj": 1e308 } }),
    ...field("alpha_pattern", /: alpha_pattern is 1e\+308 for "model\.layers\.1\.self_attn\.q_proj" of rank 2: /),
  },
  "alpha beyond all numbers": {
    spoil: configurationText('{"peft_type":"LORA","lora_alpha":1e999}'),
    ...field("adapter_config.json", /1e999.*too large/),
  },
  "alpha NaN": {
    spoil: configurationText('{"peft_type":"LORA","lora_alpha":NaN}'),
    ...field("adapter_config.json", /no JSON/),
  },
  "a dropout above 1": { spoil: configured({ lora_dropout: 1.5 }), ...field("lora_dropout") },
  "a flag that is none": { spoil: configured({ use_dora: "yes" }), ...field("use_dora") },
  "a bias that PEFT does not know": { spoil: configured({ bias: "some" }), ...field("bias") },
  "no targets": { spoil: configured({ target_modules: null }), ...field("target_modules") },
  "a configuration that is no JSON": {
    spoil: configurationText("peft_type: LORA"),
    ...field("adapter_config.json", /no JSON/),
  },
  "a configuration that is a list": {
    spoil: configurationText("[]"),
    ...field("adapter_config.json", /no JSON object/),
  },
  "a configuration of 10 MB": {
    spoil: (adapter) => adapter.configure({ padding: "x".repeat(10_000_000) }),
    ...field("adapter_config.json", /the limit adapter_configuration_bytes/),
  },
  "a configuration of nested lists": {
    spoil: configurationText(`{"peft_type":"LORA","a":${"[".repeat(100_000)}`),
    ...field("adapter_config.json", /nested deeper than 16/),
  },
  "a configuration with a key twice": {
    spoil: configurationText('{"peft_type":"LORA","r":2,"r":4}'),
    ...field("adapter_config.json", /has the key "r" twice/),
  },
  "a configuration that is not UTF-8": {
    spoil: (adapter) => adapter.files.set(configuration, Buffer.from('{"peft_type":"LORA\xff"}', "latin1")),
    ...field("adapter_config.json", /not UTF-8/),
  },
  "another kind of adapter": { spoil: configured({ peft_type: "IA3" }), ...field("peft_type", /IA3/) },
  "a task that PEFT does not know": { spoil: configured({ task_type: "CHAT" }), ...field("task_type") },
  "a beginning that PEFT does not know": {
    spoil: configured({ init_lora_weights: "new" }),
    ...field("init_lora_weights"),
  },
  "no kind of adapter": { spoil: configured({ peft_type: undefined }), ...field("peft_type", /null/) },
  "a target by look-around": {
    spoil: configured({ target_modules: "(?!.*vision).*q_proj" }),
    ...field("target_modules", /no RE2 regular expression.*without look-around/),
  },
  "a target that closes our group": { spoil: configured({ target_modules: "q_proj)|(x" }), ...field("target_modules") },
  "a target of nested repetitions": {
    spoil: configured({ target_modules: "(((q_proj{99}){99}){99}){99}" }),
    ...field("target_modules"),
  },
  "a hostile expression that is none for RE2": {
    spoil: configured({ target_modules: "(.*)*(.*)*(.*)*(.*)*(.*)*x" }),
    ...field("target_modules", /repeats something that may be empty/),
  },
  "a target that keeps Python busy without end": {
    spoil: configured({ target_modules: ".*\\.(q|v)_proj|([a-z0-9_.]+)+!" }),
    ...field("target_modules", /can keep PEFT and vLLM busy.*adapter_backtracking_steps.*repetitions of what repeats/),
  },
  "an exclusion that keeps Python busy without end": {
    spoil: configured({ exclude_modules: "([a-z0-9_.]+)+!" }),
    ...field("exclude_modules", /adapter_backtracking_steps/),
  },
  "a rank that keeps Python busy without end": {
    spoil: configured({ rank_pattern: { "([a-z0-9_.]+)+!": 8 } }),
    ...field("rank_pattern", /adapter_backtracking_steps/),
  },
  "a rank that keeps vLLM busy without end": {
    spoil: configured({ rank_pattern: { "(.|[a-z.]|[a-z0-9._])+[!?]": 8 } }),
    ...field("rank_pattern", /adapter_backtracking_steps/),
  },
  "an alpha that keeps Python busy without end": {
    spoil: configured({ alpha_pattern: { "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b": 8 } }),
    ...field("alpha_pattern", /adapter_backtracking_steps/),
  },
  "layers by an expression": {
    spoil: configured({ layers_to_transform: [0], layers_pattern: ["([a-z.]+)+"] }),
    ...field("layers_pattern", /no name of a module/),
  },
  "a module to save by expression": { spoil: configured({ modules_to_save: ["(a+)+$"] }), ...field("modules_to_save") },
  "layers by number beside an expression": {
    spoil: configured({ target_modules: ".*q_proj", layers_to_transform: [0] }),
    ...field("layers_to_transform"),
  },
  "biases of DoRA": { spoil: configured({ use_dora: true, lora_bias: true }), ...field("lora_bias") },
  "tokens that the base model does not have": {
    spoil: configured({ trainable_token_indices: [1, 2] }),
    ...field("trainable_token_indices"),
  },
  "features that are not supported": {
    spoil: configured({
      layer_replication: [
        [0, 1],
        [0, 1],
      ],
    }),
    ...field("layer_replication", /stacks layers/),
  },
};
