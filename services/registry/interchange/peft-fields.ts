import { z } from "zod";
import { PeftConfiguration } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { flag, mapOf, names, number, optional, rank, text, unlessEmpty } from "./document-fields.ts";
import { defined, type JsonObject } from "./json-document.ts";

/** Keys of `training` that say what the adapter's shape is; those beside the first four are written where they are not PEFT's defaults. */
export const peftShape = {
  lora_rank: optional(rank, 0),
  lora_alpha: number,
  lora_dropout: number,
  target_modules: optional(z.union([names, text]), []),
  target_parameters: optional(names, []),
  use_rslora: flag,
  use_dora: flag,
  rank_pattern: mapOf(z.string(), rank),
  alpha_pattern: mapOf(z.string(), z.number()),
  bias: text,
  lora_bias: flag,
  modules_to_save: optional(names, []),
};

type PeftFields = z.output<z.ZodObject<typeof peftShape>>;

/** Undefined where the document says nothing of the shape. */
export function readPeft(fields: PeftFields): PeftConfiguration | undefined {
  const said = Object.keys(peftShape).some((key) => unlessEmpty(fields[key as keyof PeftFields]) !== undefined);
  if (!said) return undefined;
  const { target_modules: targets } = fields;
  return PeftConfiguration.fromPartial({
    r: fields.lora_rank,
    loraAlpha: fields.lora_alpha,
    loraDropout: fields.lora_dropout,
    targetModules: typeof targets === "string" ? [] : targets,
    targetModulesPattern: typeof targets === "string" ? targets : "",
    targetParameters: fields.target_parameters,
    useRslora: fields.use_rslora,
    useDora: fields.use_dora,
    rankPattern: fields.rank_pattern,
    alphaPattern: fields.alpha_pattern,
    bias: fields.bias,
    loraBias: fields.lora_bias,
    modulesToSave: fields.modules_to_save,
  });
}

export function writePeft(peft: PeftConfiguration): JsonObject {
  return defined({
    ...writeShape(peft),
    target_parameters: unlessEmpty(peft.targetParameters),
    use_rslora: unlessEmpty(peft.useRslora),
    use_dora: unlessEmpty(peft.useDora),
    rank_pattern: unlessEmpty(peft.rankPattern),
    alpha_pattern: unlessEmpty(peft.alphaPattern),
    bias: peft.bias === "none" ? undefined : unlessEmpty(peft.bias),
    lora_bias: unlessEmpty(peft.loraBias),
    modules_to_save: unlessEmpty(peft.modulesToSave),
  });
}

/** What every adapter has. Of one whose configuration was never read, 0 and no targets are what nobody said. */
function writeShape(peft: PeftConfiguration): JsonObject {
  const shape = {
    lora_rank: peft.r,
    lora_alpha: peft.loraAlpha,
    lora_dropout: peft.loraDropout,
    target_modules: unlessEmpty(peft.targetModulesPattern) ?? peft.targetModules,
  };
  if (peft.configurationJson !== "") return shape;
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, unlessEmpty(value)]));
}
