import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { methodWord } from "./document-fields.ts";

/** The folder of a version beside others, e.g. `adapters/steuerrecht/lora-r16-v1`. A version without a domain lies under its adapter's name. */
export function folderLayout(version: AdapterVersion): string {
  const { adapter, domains, method, peft } = version;
  const name = `${methodWord(method) ?? "lora"}-r${peft?.r ?? 0}-v${version.version}`;
  return `adapters/${folderName(domains[0] ?? adapter)}/${name}`;
}

/** A name as one part of a path; what would part it, or lead out, is percent-encoded. */
export function folderName(name: string): string {
  return name.replaceAll(/[/\\%\p{Cc}]/gu, encodeURIComponent).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length));
}

/** Paths of folders, one a line. Throws FIELD_INVALID where two versions would share one. */
export function folderLayouts(versions: readonly AdapterVersion[]): string {
  const names = new Map<string, string>();
  for (const version of versions) {
    const folder = folderLayout(version);
    const other = names.get(folder) ?? version.name;
    if (other !== version.name) {
      throw fieldInvalid("versions", version.name, `versions of different folders; ${other} has ${folder} too`);
    }
    names.set(folder, version.name);
  }
  return versions.map((version) => `${folderLayout(version)}\n`).join("");
}
