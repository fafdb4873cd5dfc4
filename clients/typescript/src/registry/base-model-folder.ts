import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BaseModel, DeepPartial } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { FileError } from "../errors.ts";
import { artifactDigest } from "./artifact-digest.ts";
import { entriesOf } from "./folder-entries.ts";
import { digestFile, type ReadFolderOptions } from "./folder-files.ts";
import { layersOf } from "./layers.ts";
import { readTensors, type TensorEntry } from "./safetensors-header.ts";
import { readVocabularyDigest } from "./vocabulary.ts";

/** How a base model is called. */
export interface BaseModelNames {
  /** e.g. `mistralai/Mistral-7B-v0.1`. */
  readonly name: string;
  /** Commit or tag; `main` by default. */
  readonly revision?: string;
  /** What adapters may call it beside its name. */
  readonly otherNames?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The keys of a `config.json` that are read; models of several parts keep some in `text_config`. */
interface Configuration {
  readonly architectures?: readonly string[];
  readonly model_type?: string;
  readonly hidden_size?: number;
  readonly n_embd?: number;
  readonly d_model?: number;
  readonly vocab_size?: number;
  readonly text_config?: Configuration;
}

const INDEX = "model.safetensors.index.json";
const TOKENIZER_FILES: ReadonlySet<string> = new Set([
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "vocab.txt",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
]);

/**
 * What a registry has to know of the model in a folder: digests of weights, tokenizer and vocabulary, and the layers that adapters may target. Reads every weight file once.
 * Files may be links, as in the Hub's cache. Throws FileError where there are no safetensors, or quantised ones.
 */
export async function readBaseModel(
  folder: string,
  names: BaseModelNames,
  options: ReadFolderOptions = {},
): Promise<DeepPartial<BaseModel>> {
  const files = (await entriesOf(folder)).map(({ name }) => name);
  if (!files.some(isSafetensors))
    throw new FileError(folder, "holds no *.safetensors: save the model's weights as such");
  const configurationJson = await readFile(join(folder, "config.json"), "utf8");
  const configuration: Configuration = parseObject(configurationJson, join(folder, "config.json"));
  const [architecture = "", modelType = ""] = [configuration.architectures?.[0], configuration.model_type];
  const text = { ...configuration.text_config, ...configuration };
  const { vocab_size: vocabularySize = 0 } = text;
  const { name, revision = "", otherNames = [], metadata = {} } = names;
  return {
    ...{ name, revision, otherNames: [...otherNames], metadata },
    ...{ architecture, modelType, vocabularySize, configurationJson },
    hiddenSize: text.hidden_size ?? text.n_embd ?? text.d_model ?? 0,
    layers: layersOf(await readModelTensors(folder), { name: architecture, modelType, vocabularySize }),
    ...(await readDigests(folder, options)),
    vocabularyDigest: files.includes("tokenizer.json")
      ? await readVocabularyDigest(join(folder, "tokenizer.json"))
      : "",
  };
}

/** By the rules of BaseModel, of the model's safetensors and of the tokenizer; empty where there are none. Reads every weight file once. */
export async function readDigests(
  folder: string,
  options: ReadFolderOptions,
): Promise<Pick<BaseModel, "weightsDigest" | "tokenizerDigest">> {
  const tokenizer = (await readdir(folder)).filter((file) => TOKENIZER_FILES.has(file));
  return {
    weightsDigest: await digestOf(folder, await modelFiles(folder), options),
    tokenizerDigest: await digestOf(folder, tokenizer, options),
  };
}

function parseObject(text: string, path: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    throw new FileError(path, "is no JSON");
  }
}

/** As a rule of the registry's: empty where there are no files. */
async function digestOf(folder: string, files: readonly string[], options: ReadFolderOptions): Promise<string> {
  if (files.length === 0) return "";
  const digested = [];
  for (const path of files) digested.push({ path, ...(await digestFile(join(folder, path), options, true)) });
  return artifactDigest(digested);
}

function isSafetensors(file: string): boolean {
  return file.endsWith(".safetensors");
}

async function readModelTensors(folder: string): Promise<TensorEntry[]> {
  const files = await modelFiles(folder);
  const tensors = (await Promise.all(files.map((file) => readTensors(join(folder, file))))).flat();
  const quantised = tensors.find(({ name }) => /\.(qweight|weight\.(absmax|quant_map|quant_state\..+))$/.test(name));
  if (quantised === undefined) return tensors;
  throw new FileError(folder, `is quantised (${quantised.name}): register the model that it was made from`);
}

/** Those that the index names, where there is one: others hold the same weights in another format. */
async function modelFiles(folder: string): Promise<readonly string[]> {
  const path = join(folder, INDEX);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    const weights = (await readdir(folder)).filter(isSafetensors);
    return weights.includes("model.safetensors") ? ["model.safetensors"] : weights;
  }
  const index: { readonly weight_map?: Readonly<Record<string, string>> } = parseObject(text, path);
  return [...new Set(Object.values(index.weight_map ?? {}))];
}
