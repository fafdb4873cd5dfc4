import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BaseModel } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { python, resultOf, startProgram } from "./command.ts";

/** Adapters that PEFT made for tiny models, see `make_adapters.py`. */
export interface PeftAdapters {
  readonly cases: readonly PeftAdapter[];
  /** Settings of PEFT and what it made of them on the layers of `base`. */
  readonly matches: readonly { readonly settings: object; readonly ranks: Readonly<Record<string, number>> }[];
  /** Layers of two architectures together. */
  readonly matchedBase: BaseModel;
}

export interface PeftAdapter {
  readonly name: string;
  /** Its files. */
  readonly folder: string;
  readonly base: BaseModel;
  /** By layer, as PEFT has them. */
  readonly ranks: Readonly<Record<string, number>>;
}

interface Written {
  readonly bases: Readonly<Record<string, unknown>>;
  readonly cases: Readonly<Record<string, { readonly base: string; readonly ranks: PeftAdapter["ranks"] }>>;
  readonly matches: PeftAdapters["matches"];
}

const maker = fileURLToPath(new URL("make_adapters.py", import.meta.url));
const loader = fileURLToPath(new URL("load_in_vllm.py", import.meta.url));
const modelTeller = fileURLToPath(new URL("vllm_models.py", import.meta.url));
const vllmPython = fileURLToPath(new URL("../../.venv-vllm/bin/python", import.meta.url));

/** What vLLM says of a model. */
export interface VllmModel {
  /** Whether its class supports them. */
  readonly adapters: boolean;
  /** Names of the embeddings that it adapts too. */
  readonly embeddings: readonly string[];
  /** Names of its towers and connectors. */
  readonly beside: readonly string[];
}

/** Whether vLLM is installed: on Linux with AVX-512. */
export const hasVllm: boolean = existsSync(vllmPython);

/** Makes them in a folder: about 20 seconds. @param names of the cases; all by default */
export async function makePeftAdapters(folder: string, names: readonly string[] = []): Promise<PeftAdapters> {
  await runPython(python, [maker, folder, ...names]);
  const written: Written = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
  const bases = new Map(Object.entries(written.bases).map(([name, base]) => [name, BaseModel.fromJSON(base)]));
  const baseOf = (name: string): BaseModel => bases.get(name) ?? BaseModel.create();
  const layers = [...baseOf("llama").layers, ...baseOf("gpt2").layers];
  return {
    cases: Object.entries(written.cases).map(([name, { base, ranks }]) => ({
      name,
      folder: join(folder, name),
      base: baseOf(base),
      ranks,
    })),
    matches: written.matches,
    matchedBase: { ...baseOf("llama"), layers },
  };
}

/** Why vLLM refuses each of the adapters in a folder; null where it loads it. About 15 seconds. */
export async function refusalsOfVllm(folder: string): Promise<Readonly<Record<string, string | null>>> {
  const output = await runPython(vllmPython, [loader, folder]);
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
}

/** What vLLM says of the models that it registers, by architecture. About 30 seconds. */
export async function modelsOfVllm(): Promise<Readonly<Record<string, VllmModel>>> {
  const output = await runPython(vllmPython, [modelTeller]);
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
}

async function runPython(program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, HF_HUB_OFFLINE: "1", VLLM_LOGGING_LEVEL: "ERROR", VLLM_NO_USAGE_STATS: "1" };
  const { code, stdout, stderr } = await resultOf(startProgram(program, args, { env }));
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${stderr}`);
  return stdout;
}
