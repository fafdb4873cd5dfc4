/**
 * What vLLM 0.32 says of its models, by `architecture`: read from the registry in its `model_executor/models/registry.py` and the classes that this names.
 * Models that are not registered there it may still run by Transformers' own code, as far as the Transformers beside it allows; of those nothing is said.
 */

/** Models whose class has `SupportsLoRA` on every platform, without those that only draft for others. It adapts their linear layers. */
const withAdapters: ReadonlySet<string> = new Set(
  `
  AXK1ForCausalLM AfmoeForCausalLM ApertusForCausalLM ArceeForCausalLM AudioFlamingo3ForConditionalGeneration
  BagelForConditionalGeneration BailingMoeForCausalLM BailingMoeV2ForCausalLM BertModel BertSpladeSparseEmbeddingModel
  BgeM3EmbeddingModel Blip2ForConditionalGeneration ChatGLMForConditionalGeneration ChatGLMModel ClefOmniForJointSchema
  Cohere2ForCausalLM CohereCompassForConditionalGeneration CohereForCausalLM ColPaliForRetrieval ColQwen3 ColQwen3_5
  Cosmos3ForConditionalGeneration CwmForCausalLM DeciLMForCausalLM DeepseekForCausalLM DeepseekOCR2ForCausalLM
  DeepseekOCRForCausalLM DeepseekV2ForCausalLM DeepseekV32ForCausalLM DeepseekV3BidirectionalModel DeepseekV3ForCausalLM
  DotsOCRForCausalLM Eagle2_5_VLForConditionalGeneration Emu3ForConditionalGeneration Ernie4_5ForCausalLM
  Ernie4_5_MoeForCausalLM Ernie4_5_VLMoeForConditionalGeneration Exaone4ForCausalLM Exaone4_5_ForConditionalGeneration
  ExaoneForCausalLM ExaoneMoEForCausalLM ExaoneMoeForCausalLM FalconH1ForCausalLM FlexOlmoForCausalLM GLM4VForCausalLM
  GPTBigCodeForCausalLM GPTNeoXForCausalLM Gemma2ForCausalLM Gemma2Model Gemma3ForCausalLM
  Gemma3ForConditionalGeneration Gemma4ForCausalLM Gemma4ForConditionalGeneration Gemma4UnifiedForConditionalGeneration
  GemmaForCausalLM Glm4ForCausalLM Glm4MoeForCausalLM Glm4MoeLiteForCausalLM Glm4vForConditionalGeneration
  Glm4vMoeForConditionalGeneration Glm5NextForConditionalGeneration GlmAsrForConditionalGeneration GlmForCausalLM
  GlmMoeDsaForCausalLM GlmOcrForConditionalGeneration GptOssForCausalLM Granite4VisionForConditionalGeneration
  GraniteForCausalLM GraniteMoeForCausalLM GraniteMoeHybridForCausalLM GraniteMoeSWAForCausalLM
  GraniteMoeSharedForCausalLM GraniteSWAForCausalLM GraniteSpeechForConditionalGeneration
  GraniteSpeechPlusForConditionalGeneration H2OVLChatModel HF_ColBERT HYV3ForCausalLM HYV4ForCausalLM
  HunYuanDenseV1ForCausalLM HunYuanMoEV1ForCausalLM HunYuanVLForConditionalGeneration HyperCLOVAXForCausalLM
  IQuestCoderForCausalLM Idefics3ForConditionalGeneration InklingForCausalLM InklingForConditionalGeneration
  InternLM2ForCausalLM InternLM2ForRewardModel InternLM3ForCausalLM InternS1ForConditionalGeneration
  InternS1ProForConditionalGeneration InternS2MobiusForConditionalGeneration InternS2PreviewForConditionalGeneration
  InternVLChatModel InternVLForConditionalGeneration IsaacForConditionalGeneration Jais2ForCausalLM JambaForCausalLM
  JambaForSequenceClassification JinaEmbeddingsV5Model JinaVLForRanking K2HorizonForCausalLM
  KeyeForConditionalGeneration KeyeVL1_5ForConditionalGeneration LLaMAForCausalLM LagunaForCausalLM Lfm2ForCausalLM
  Lfm2MoeForCausalLM Lfm2VlForConditionalGeneration LightOnOCRForConditionalGeneration Llama4ForCausalLM
  Llama4ForConditionalGeneration LlamaBidirectionalForSequenceClassification LlamaBidirectionalModel LlamaForCausalLM
  LlamaModel LlamaNemotronVLForSequenceClassification LlamaNemotronVLModel Llama_Nemotron_Nano_VL
  LlavaForConditionalGeneration LlavaNextForConditionalGeneration LlavaNextVideoForConditionalGeneration
  LongcatFlashForCausalLM LongcatFlashNgramForCausalLM MellumForCausalLM MiMoForCausalLM MiniCPM3ForCausalLM
  MiniCPMForCausalLM MiniCPMO MiniCPMV MiniCPMV4_6ForConditionalGeneration MiniCPMV4_7ForConditionalGeneration
  MiniMaxM2ForCausalLM Ministral3ForCausalLM Mistral3ForConditionalGeneration MistralForCausalLM
  MistralLarge3ForCausalLM MistralModel MixtralForCausalLM ModernBertModel Molmo2ForConditionalGeneration
  MolmoForCausalLM MossAudioModel MuseGlimmerForCausalLM MuseGlimmerForConditionalGeneration NVLM_D NanbeigeForCausalLM
  NemotronForCausalLM NemotronHForCausalLM NemotronHPuzzleForCausalLM NemotronH_Nano_Omni_Reasoning_V3
  NemotronH_Nano_VL_V2 NemotronH_Omni_Reasoning_V3 NemotronH_Super_Omni_Reasoning_V3 OPTForCausalLM Olmo2ForCausalLM
  Olmo3ForCausalLM OlmoForCausalLM OlmoHybridForCausalLM OlmoeForCausalLM OpenCUAForConditionalGeneration
  OpenPanguVLForConditionalGeneration OpsColQwen3Model PaliGemmaForConditionalGeneration PanguEmbeddedForCausalLM
  PanguProMoEV2ForCausalLM PanguUltraMoEForCausalLM Param2MoEForCausalLM Phi3ForCausalLM Phi4MMForCausalLM
  PhiForCausalLM PhiMoEForCausalLM PixtralForConditionalGeneration Plamo3ForCausalLM QianfanOCRForConditionalGeneration
  Qwen2ForCausalLM Qwen2ForProcessRewardModel Qwen2ForRewardModel Qwen2Model Qwen2MoeForCausalLM
  Qwen2VLForConditionalGeneration Qwen2_5OmniForConditionalGeneration Qwen2_5OmniModel
  Qwen2_5_VLForConditionalGeneration Qwen3ASRForConditionalGeneration Qwen3ASRForcedAlignerForTokenClassification
  Qwen3ASRRealtimeGeneration Qwen3ForCausalLM Qwen3MoeForCausalLM Qwen3NextForCausalLM
  Qwen3OmniMoeForConditionalGeneration Qwen3VLForConditionalGeneration Qwen3VLMoeForConditionalGeneration
  Qwen3VLNemotronEmbedModel Qwen3_5ForCausalLM Qwen3_5ForConditionalGeneration Qwen3_5MoeForCausalLM
  Qwen3_5MoeForConditionalGeneration Qwen4ExpForCausalLM Qwen4ExpForConditionalGeneration Rnj1ForCausalLM
  RobertaForMaskedLM RobertaForSequenceClassification RobertaModel SarvamMLAForCausalLM SarvamMoEForCausalLM
  SeedOssForCausalLM SmolLM3ForCausalLM SmolVLMForConditionalGeneration SolarForCausalLM Starcoder2ForCausalLM
  TeleChat2ForCausalLM TeleChat3ForCausalLM TeleFLMForCausalLM UltravoxModel UnlimitedOCRForCausalLM
  VaultGemmaForCausalLM VibeVoiceAsrForConditionalGeneration VoxtralForConditionalGeneration VoxtralRealtimeGeneration
  VoyageQwen3BidirectionalEmbedModel WhisperForConditionalGeneration XLMRobertaForSequenceClassification XLMRobertaModel
  `
    .trim()
    .split(/\s+/),
);

/** Models that it makes of those for causal language modelling. */
const converted = /(?:ForSequenceClassification|ForTokenClassification|Model)$/;

/** Models that are classifiers by themselves, with one linear layer `score` that it can replace. */
const classifiers: ReadonlySet<string> = new Set([
  "LlamaBidirectionalForSequenceClassification",
  "LlamaNemotronVLForSequenceClassification",
]);

/** The model with adapters as which it runs one; undefined where there is none. */
export function modelWithAdapters(architecture: string): string | undefined {
  if (withAdapters.has(architecture)) return architecture;
  const causal = architecture.replace(converted, "ForCausalLM");
  return withAdapters.has(causal) ? causal : undefined;
}

/** The layer that an adapter of a classifier may replace as a whole; undefined where it may replace none. */
export function classificationHead(architecture: string): string | undefined {
  const isConverted = modelWithAdapters(architecture) !== architecture;
  const isClassifier = isConverted && architecture.endsWith("ForSequenceClassification");
  return isClassifier || classifiers.has(architecture) ? "score" : undefined;
}

/** Models of which it also adapts `embed_tokens` and `lm_head`. */
export const withEmbeddings: ReadonlySet<string> = new Set([
  "ApertusForCausalLM",
  "DeciLMForCausalLM",
  "Ernie4_5ForCausalLM",
  "Exaone4ForCausalLM",
  "ExaoneMoEForCausalLM",
  "ExaoneMoeForCausalLM",
  "FalconH1ForCausalLM",
  "GraniteForCausalLM",
  "GraniteMoeForCausalLM",
  "GraniteMoeHybridForCausalLM",
  "GraniteMoeSWAForCausalLM",
  "GraniteMoeSharedForCausalLM",
  "GraniteSWAForCausalLM",
  "HyperCLOVAXForCausalLM",
  "IQuestCoderForCausalLM",
  "InternLM3ForCausalLM",
  "JambaForCausalLM",
  "K2HorizonForCausalLM",
  "LLaMAForCausalLM",
  "Lfm2ForCausalLM",
  "Lfm2MoeForCausalLM",
  "Llama4ForCausalLM",
  "LlamaForCausalLM",
  "MiniCPM3ForCausalLM",
  "MiniCPMForCausalLM",
  "MixtralForCausalLM",
  "NemotronForCausalLM",
  "NemotronHForCausalLM",
  "NemotronHPuzzleForCausalLM",
  "Param2MoEForCausalLM",
  "Phi3ForCausalLM",
  "PhiMoEForCausalLM",
  "Qwen3ForCausalLM",
  "Qwen3MoeForCausalLM",
  "Qwen3_5ForCausalLM",
  "Qwen3_5MoeForCausalLM",
  "SolarForCausalLM",
  "TeleChat2ForCausalLM",
  "TeleChat3ForCausalLM",
  "TeleFLMForCausalLM",
]);

/** What its multimodal models call their towers and connectors (`get_mm_mapping`), but for names that models for language have too. */
const beside: ReadonlySet<string> = new Set([
  ...["vision", "visual", "vision_tower", "vision_model", "vision_backbone", "vision_encoder", "vision_embedding"],
  ...["vision_adapter", "vision_projection", "vision_language_adapter", "embed_vision", "vpm", "sam_model"],
  ...["audio_tower", "whisper_encoder", "sound_encoder", "audio_projection", "audio_projection_for_vision"],
  ...["audio_language_adapter", "embed_audio", "multi_modal_projector", "language_projection", "connector", "qformer"],
  ...["resampler", "mlp1", "mlp_AR", "embed_tokens_extend"],
]);

/** Whether a layer lies beside the language model of a multimodal one: what an adapter has for it, vLLM passes over unless it is told otherwise. */
export function isBesideLanguage(layer: string): boolean {
  return layer.split(".").some((part) => beside.has(part));
}
