import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type {
  BaseModel,
  BaseModelReference,
  DeepPartial,
} from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { RpcError } from "../errors.ts";
import { readDigests } from "./base-model-folder.ts";
import type { ReadFolderOptions } from "./folder-files.ts";
import type { RegistryServices } from "./services.ts";

/**
 * Digests of the base model in the folder that the adapter's configuration names, for the registry to compare. Empty where there is no such folder, where it cannot
 * be read, holds no safetensors or a quantised copy; without the tokenizer where none was registered.
 */
export async function trainedBase(
  { baseModels }: Pick<RegistryServices, "baseModels">,
  adapter: string,
  options: ReadFolderOptions,
): Promise<DeepPartial<BaseModelReference>> {
  const { base_model_name_or_path: name, revision } = await readJson(join(adapter, "adapter_config.json"));
  if (typeof name !== "string" || !(await holdsOriginal(name))) return {};
  const reference = { name, revision: typeof revision === "string" ? revision : "" };
  const registered = await findRegistered(baseModels, reference);
  if (registered === undefined) return {};
  const { weightsDigest = "", tokenizerDigest = "" } = await readableDigests(name, options);
  if (weightsDigest === "") return {};
  return { weightsDigest, tokenizerDigest: registered.tokenizerDigest && tokenizerDigest };
}

/** What cannot be read is not compared. */
async function readableDigests(folder: string, options: ReadFolderOptions): Promise<DeepPartial<BaseModelReference>> {
  try {
    return await readDigests(folder, options);
  } catch {
    options.signal?.throwIfAborted();
    return {};
  }
}

/** Of a quantised copy, nothing can be said of the weights that it was made from. */
async function holdsOriginal(folder: string): Promise<boolean> {
  const configuration = await readJson(join(folder, "config.json"));
  return "model_type" in configuration && !("quantization_config" in configuration);
}

/** None where the registry will say that it knows none. */
async function findRegistered(
  baseModels: RegistryServices["baseModels"],
  reference: Pick<BaseModelReference, "name" | "revision">,
): Promise<BaseModel | undefined> {
  try {
    return (await baseModels.getBaseModel(reference)).baseModel;
  } catch (error) {
    if (error instanceof RpcError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** Empty where there is none, or none that can be read. */
async function readJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return Object(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return {};
  }
}
