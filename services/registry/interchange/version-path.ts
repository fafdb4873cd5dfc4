import { fileURLToPath } from "node:url";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { folderLayout } from "./folder-layout.ts";

const parts = {
  name: ({ name }: AdapterVersion) => name,
  adapter: ({ adapter }: AdapterVersion) => adapter,
  version: ({ version }: AdapterVersion) => String(version),
  layout: folderLayout,
};

/** Throws FIELD_INVALID for a template with an unknown part, or with what no path in a line can hold. */
export function checkPathTemplate(template: string): void {
  const unknown = [...template.matchAll(/\{([^}]*)\}?/g)].some(
    ([found, part]) => found !== `{${part}}` || !Object.hasOwn(parts, part ?? ""),
  );
  if (unknown || /\p{Cc}/u.test(template)) {
    throw fieldInvalid("path_template", template, "a path in one line with {name}, {adapter}, {version} or {layout}");
  }
}

/** Where a server finds a version's files: by a template that was checked, else where the registry has them. Undefined where that is no folder of this machine. */
export function versionPath(version: AdapterVersion, template: string): string | undefined {
  if (template !== "") return expand(version, template);
  const uri = version.artifact?.uri ?? "";
  return uri.startsWith("file:") ? fileURLToPath(uri) : undefined;
}

function expand(version: AdapterVersion, template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, part: keyof typeof parts) => parts[part](version));
}

/**
 * The path that a document tells: by the template, else of what came in its format as it came, else where the registry has the files, else what came in another. Empty where nobody knows.
 * @param format as of `Declared.format`
 */
export function documentPath(version: AdapterVersion, template: string, format: string): string {
  const { declared, artifact } = version;
  if (template === "" && declared?.format === format) return declared.artifactPath;
  return versionPath(version, template) ?? (artifact?.uri || declared?.artifactPath || "");
}
