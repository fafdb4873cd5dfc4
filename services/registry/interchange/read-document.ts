import { createHash } from "node:crypto";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { registryEntries } from "./adapter-registry.ts";
import { declaredUri } from "./declared-uri.ts";
import { adapterMetadata, adapterRegistry, type DocumentFormat } from "./document-format.ts";
import { pathText } from "./document-invalid.ts";
import { parseExactly, parseJson } from "./json-document.ts";

/** What one entry of a document makes. */
export interface ImportedEntry {
  /** As the entry says; number, name and times are still to be given. */
  readonly version: AdapterVersion;
  /** SHA-256 of what the entry says and where its files are, in hex: the same again is the same version. */
  readonly digest: string;
}

/** Reads an `adapter_metadata.json`. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED. @param baseUri as of ImportVersions */
export function readMetadataDocument(content: string, baseUri: string): readonly ImportedEntry[] {
  return [importedEntry(adapterMetadata, { value: parseJson(content), text: content, index: undefined }, baseUri)];
}

/** Reads an `adapter_registry.json`. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED. @param baseUri as of ImportVersions */
export function readRegistryDocument(content: string, baseUri: string): readonly ImportedEntry[] {
  const values = registryEntries(parseJson(content));
  const exact = registryEntries(parseExactly(content));
  return values.map((value, index) =>
    importedEntry(adapterRegistry, { value, text: JSON.stringify(exact[index]), index }, baseUri),
  );
}

interface Entry {
  readonly value: unknown;
  readonly text: string;
  /** Its place in a list; absent where it is the document. */
  readonly index: number | undefined;
}

function importedEntry(format: DocumentFormat, { value, text, index }: Entry, baseUri: string): ImportedEntry {
  const version = format.read(value, index);
  const { declared } = version;
  const uri = declaredUri(version, baseUri, pathText([...(index === undefined ? [] : [index]), ...format.pathField]));
  return {
    version: {
      ...version,
      artifact: uri === "" ? undefined : { digest: "", uri, files: [], byteCount: 0n, kept: false },
      declared: declared && { ...declared, format: format.name, document: text },
    },
    digest: digestOf(format, text, baseUri),
  };
}

/** Of the values, not of the white space between them. */
function digestOf({ name }: DocumentFormat, text: string, baseUri: string): string {
  const said = JSON.stringify([name, baseUri, parseExactly(text)]);
  return createHash("sha256").update(said).digest("hex");
}
