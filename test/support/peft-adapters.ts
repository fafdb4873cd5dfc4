import { readFileSync } from "node:fs";
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

const script = fileURLToPath(new URL("make_adapters.py", import.meta.url));

/** Makes them in a folder: about 20 seconds. @param names of the cases; all by default */
export async function makePeftAdapters(folder: string, names: readonly string[] = []): Promise<PeftAdapters> {
  const { code, stderr } = await resultOf(startProgram(python, [script, folder, ...names], { env: process.env }));
  if (code !== 0) throw new Error(`make_adapters.py ended with ${code}: ${stderr}`);
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
