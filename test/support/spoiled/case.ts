import { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Reason } from "../../../services/kit/errors.ts";
import type { DeclaredAdapter } from "../../../services/registry/verification/verify-adapter.ts";
import { vocabularyDigest } from "../../../services/registry/verification/vocabulary.ts";
import { tinyBaseModel } from "../tiny-adapter.ts";
import type { HeaderEntry, SpoiledAdapter } from "./adapter.ts";

/** `model.vocab` of what the adapters are for. */
export const vocabulary: Readonly<Record<string, number>> = { ä: 0, b: 1 };

/** What the adapters are for. */
export const spoiledBase: BaseModel = BaseModel.fromPartial({
  ...tinyBaseModel("tiny/llama"),
  vocabularyDigest: vocabularyDigest(JSON.stringify({ model: { vocab: vocabulary } })),
  otherNames: ["/models/tiny"],
});
export const q: string = "base_model.model.model.layers.0.self_attn.q_proj";
export const firstA: string = `${q}.lora_A.weight`;
export const firstB: string = `${q}.lora_B.weight`;
export const weights: string = "adapter_model.safetensors";
export const configuration: string = "adapter_config.json";

/** How an adapter is spoiled before it is written; what is done afterwards is returned. */
export type Spoil = (adapter: SpoiledAdapter) => (() => Promise<unknown>) | unknown;

/** A way to spoil an adapter, and what is said of it. */
export interface SpoiledCase {
  readonly spoil?: Spoil;
  readonly reason: Reason;
  /** In the message. */
  readonly says?: RegExp;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly declared?: Partial<DeclaredAdapter>;
}

/** A header by its tensors' names. */
export type Header = Record<string, HeaderEntry>;

/** Changes the entry of a tensor. */
export const entry =
  (change: HeaderEntry, name = firstA): Spoil =>
  (adapter) =>
    adapter.header((header) => ({ ...header, [name]: { ...header[name], ...change } }));
/** Gives a tensor another name. */
export const renamed =
  (from: string, to: string): Spoil =>
  (adapter) =>
    adapter.header((header) =>
      Object.fromEntries(Object.entries(header).map(([name, one]) => [name === from ? to : name, one])),
    );
export const without = (header: Header, name: string): Header =>
  Object.fromEntries(Object.entries(header).filter(([other]) => other !== name));
/** Sets fields of `adapter_config.json`. */
export const configured =
  (fields: Readonly<Record<string, unknown>>): Spoil =>
  (adapter) =>
    adapter.configure(fields);
export const configurationText =
  (text: string): Spoil =>
  (adapter) =>
    adapter.text(configuration, text);
/** What is said of a field of `adapter_config.json`. */
export const field = (
  name: string,
  problem?: RegExp,
): Pick<SpoiledCase, "reason" | "metadata"> & { readonly says: RegExp } => ({
  reason: "ADAPTER_CONFIGURATION_INVALID",
  metadata: { field: name },
  says: problem ?? new RegExp(`adapter_config\\.json: ${name} `),
});
/** What is said of a header. */
export const header = (says: RegExp): Pick<SpoiledCase, "reason" | "says"> => ({
  reason: "ADAPTER_HEADER_INVALID",
  says,
});
/** All entries from an offset on, moved by some bytes. */
export function shifted(entries: Header, by: number, from = 64): Header {
  return Object.fromEntries(
    Object.entries(entries).map(([name, one]) => {
      const [begin = 0, end = 0] = one["data_offsets"] as number[];
      return [name, begin < from ? one : { ...one, data_offsets: [begin + by, end + by] }];
    }),
  );
}
