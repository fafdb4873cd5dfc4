import { RenderVersionsRequest_Format } from "../../typescript/src/index.ts";

/** Formats of others, by the names that the command line has for them. */
export const interchangeFormats = {
  "adapter-metadata": RenderVersionsRequest_Format.FORMAT_ADAPTER_METADATA,
  "adapter-registry": RenderVersionsRequest_Format.FORMAT_ADAPTER_REGISTRY,
  "model-card": RenderVersionsRequest_Format.FORMAT_MODEL_CARD,
  "peft-configuration": RenderVersionsRequest_Format.FORMAT_PEFT_CONFIGURATION,
  "vllm-arguments": RenderVersionsRequest_Format.FORMAT_VLLM_ARGUMENTS,
  "folder-layout": RenderVersionsRequest_Format.FORMAT_FOLDER_LAYOUT,
} as const;

/** @param name was checked by the command line */
export function toFormat(name: string): RenderVersionsRequest_Format {
  return interchangeFormats[name as keyof typeof interchangeFormats];
}
