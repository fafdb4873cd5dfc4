import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "nice-grpc";
import type { Artifact, ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { type BaseModel, Layer, Layer_Kind } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { upload } from "./artifacts.ts";

/** A file of an artifact. */
export interface TinyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const width = 8;
const layers = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"];

/** A base model of two layers of 8 × 8, as `RegisterBaseModel` takes it. */
export function tinyBaseModel(name: string): Partial<BaseModel> {
  return {
    name,
    revision: "main",
    weightsDigest: sha256(`weights of ${name}`),
    tokenizerDigest: sha256("tokenizer"),
    architecture: "LlamaForCausalLM",
    modelType: "llama",
    hiddenSize: width,
    vocabularySize: 16,
    layers: layers.map((name) =>
      Layer.create({ name, kind: Layer_Kind.KIND_LINEAR, inputFeatures: width, outputFeatures: width }),
    ),
    configurationJson: '{"model_type":"llama"}',
  };
}

/** The files of a LoRA adapter of that base model, as PEFT writes them; `fill` makes the weights differ. */
export function tinyAdapter(baseModel: string, { rank = 2, fill = 0.5 } = {}): TinyFile[] {
  const configuration = {
    base_model_name_or_path: baseModel,
    bias: "none",
    lora_alpha: 2 * rank,
    lora_dropout: 0,
    peft_type: "LORA",
    r: rank,
    target_modules: ["q_proj"],
    task_type: "CAUSAL_LM",
  };
  const tensors = layers.flatMap((layer) => [
    { name: `base_model.model.${layer}.lora_A.weight`, shape: [rank, width] },
    { name: `base_model.model.${layer}.lora_B.weight`, shape: [width, rank] },
  ]);
  return [
    { path: "adapter_config.json", bytes: Buffer.from(JSON.stringify(configuration, null, 2)) },
    { path: "adapter_model.safetensors", bytes: safetensors(tensors, fill) },
  ];
}

/** The files of that base model, as transformers writes them; the head shares the embedding's weights. */
export function tinyModel(): TinyFile[] {
  const configuration = {
    architectures: ["LlamaForCausalLM"],
    hidden_size: width,
    model_type: "llama",
    vocab_size: 16,
  };
  const tensors = [
    { name: "model.embed_tokens.weight", shape: [16, width] },
    ...layers.map((layer) => ({ name: `${layer}.weight`, shape: [width, width] })),
    { name: "model.norm.weight", shape: [width] },
  ];
  return [
    { path: "config.json", bytes: Buffer.from(JSON.stringify(configuration, null, 2)) },
    { path: "model.safetensors", bytes: safetensors(tensors, 0.1) },
    { path: "tokenizer.json", bytes: Buffer.from("{}") },
  ];
}

/** Writes files into a folder, made where it is not there, and returns it. */
export function writeFiles(folder: string, files: readonly TinyFile[]): string {
  mkdirSync(folder, { recursive: true });
  for (const { path, bytes } of files) writeFileSync(join(folder, path), bytes);
  return folder;
}

/** Uploads files. */
export function uploadFiles(
  client: Pick<Client<ArtifactServiceDefinition>, "uploadArtifact">,
  files: readonly TinyFile[],
): Promise<Artifact> {
  return upload(client, Object.fromEntries(files.map(({ path, bytes }) => [path, bytes])));
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A safetensors file with tensors of F32, all elements alike. */
export function safetensors(tensors: readonly Tensor[], fill: number): Uint8Array {
  let offset = 0;
  const entries = tensors.map(({ name, shape }) => {
    const bytes = 4 * shape.reduce((product, side) => product * side, 1);
    const entry = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
    return [name, entry];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = new Float32Array(offset / 4).fill(fill);
  return Buffer.concat([length, header, Buffer.from(data.buffer)]);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
