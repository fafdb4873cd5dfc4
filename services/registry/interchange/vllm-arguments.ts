import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkServable } from "../adapters/check-servable.ts";
import { versionPath } from "./version-path.ts";

/**
 * Arguments for `vllm serve`, one a line, under which it serves these versions by their names. `template` says where it finds their files.
 * Throws VERSION_NOT_SERVABLE where one is not in service or vLLM cannot load it, FIELD_INVALID where they are not of one base model, or a path is missing
 * or two versions'.
 */
export function vllmArguments(versions: readonly AdapterVersion[], template: string): string {
  const modules = versions.filter(({ name }, index) => versions.findIndex((other) => other.name === name) === index);
  checkOneBaseModel(modules);
  const ranks = modules.map(leastMaxLoraRank);
  checkFolders(modules, template);
  const lines = [
    "--enable-lora",
    "--lora-modules",
    ...modules.map((version) => loraModule(version, template)),
    "--max-lora-rank",
    Math.max(...ranks),
    "--max-loras",
    modules.length,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function checkOneBaseModel([first, ...others]: readonly AdapterVersion[]): void {
  const other = others.find(({ baseModel }) => baseModelOf(baseModel) !== baseModelOf(first?.baseModel));
  if (other !== undefined) {
    const expected = `versions of the base model of ${first?.name}: ${baseModelOf(first?.baseModel)}`;
    throw fieldInvalid("versions", `${other.name} of ${baseModelOf(other.baseModel)}`, expected);
  }
}

function baseModelOf(reference: AdapterVersion["baseModel"]): string {
  return `${reference?.name}@${reference?.revision}`;
}

/** Throws VERSION_NOT_SERVABLE. */
function leastMaxLoraRank(version: AdapterVersion): number {
  checkServable(version, "vllm");
  return version.servability.find(({ engine }) => engine === "vllm")?.minimumMaxLoraRank ?? 0;
}

/** Throws FIELD_INVALID where versions with other files would share a folder: vLLM would serve one for the other. */
function checkFolders(versions: readonly AdapterVersion[], template: string): void {
  const known = new Map<string, AdapterVersion>();
  for (const version of versions) {
    const path = pathOf(version, template);
    const other = known.get(path);
    if (other !== undefined && other.artifact?.digest !== version.artifact?.digest) {
      throw fieldInvalid("path_template", template, `different folders for ${other.name} and ${version.name}`);
    }
    known.set(path, version);
  }
}

function pathOf(version: AdapterVersion, template: string): string {
  const path = versionPath(version, template);
  if (path !== undefined) return path;
  const expected = `the folder where vLLM finds the files of ${version.name}, which lie at ${version.artifact?.uri}`;
  throw fieldInvalid("path_template", template, expected);
}

/** vLLM parts `name=path` at every `=`, and takes what has a `,` for JSON. */
function loraModule(version: AdapterVersion, template: string): string {
  const path = pathOf(version, template);
  return /[=,]/.test(path) ? JSON.stringify({ name: version.name, path }) : `${version.name}=${path}`;
}
