const blocks = "self_attn|attention|attn|mlp|feed_forward|ffn|dense";
const projections = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj";
/** What people write into `target_modules`; the last is Unsloth's. */
export const usefulPatterns: readonly string[] = [
  String.raw`.*\.(q|v)_proj`,
  String.raw`model\.layers\.\d+\.self_attn\..*`,
  String.raw`.*\.layers\.(?:[0-9]|1[0-9]|2[0-7])\.(self_attn\.(q|k|v|o)_proj|mlp\..*)`,
  String.raw`^model\.([a-z]+\.)*\d{1,3}\..*[qv]_proj$`,
  "(?i)MODEL.*Q_PROJ",
  Array.from({ length: 25 }, (_, layer) => `model\\.layers\\.${layer}\\.q_proj`).join("|"),
  `(?:.*?(?:language|text).*?(?:${blocks}).*?(?:${projections}).*?)|(?:\\bmodel\\.layers\\.[\\d]{1,}\\.(?:${blocks})\\.(?:(?:${projections})))`,
];
