import { fileURLToPath } from "node:url";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { parseArtifactUri } from "../artifacts/artifact-uri.ts";
import { methodWord } from "./document-fields.ts";
import { documentInvalid } from "./document-invalid.ts";
import { folderName } from "./folder-layout.ts";

/**
 * Where the files of an imported version are: its path in the document below `baseUri`, or where the document has none the folder that its id stands for,
 * `<domain>/<method>-r<rank>-v<version>`. Empty without `baseUri`, and where nothing says. Throws DOCUMENT_INVALID for a path that leads elsewhere, LIMIT_EXCEEDED.
 * @param field where the document has the path
 */
export function declaredUri(version: AdapterVersion, baseUri: string, field: string): string {
  const base = baseUri.replace(/\/+$/, "");
  const path = version.declared?.artifactPath || conventionalPath(version);
  if (base === "" || path === "") return "";
  const names = pathBelow(base, path).split("/");
  if (names.some((name) => ["", ".", ".."].includes(name) || /[\\\p{Cc}]/u.test(name))) {
    throw documentInvalid(field, `${JSON.stringify(path)} is no path of a folder below base_uri`);
  }
  const uri = [base, ...(base.startsWith("file:") ? names.map(encodeURIComponent) : names)].join("/");
  parseArtifactUri(uri, field);
  return uri;
}

/** An absolute path, or a URI, has to begin with the base. */
function pathBelow(base: string, path: string): string {
  const below = path.replace(/\/+$/, "");
  const roots = base.startsWith("file:") ? [base, fileURLToPath(base)] : [base];
  const root = roots.find((root) => below.startsWith(`${root}/`));
  return root === undefined ? below : below.slice(root.length + 1);
}

/** An id like `steuerrecht-lora-r16-v1` names a folder beside others; other ids none. */
function conventionalPath({ declared, domains, method, peft }: AdapterVersion): string {
  const name = `${methodWord(method)}-r${peft?.r}`;
  const number = new RegExp(`-${name}-v(\\d+)$`).exec(declared?.id ?? "")?.[1];
  return number === undefined || domains[0] === undefined ? "" : `${folderName(domains[0])}/${name}-v${number}`;
}
