import { createHash } from "node:crypto";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { registryEntries } from "./adapter-registry.ts";
import { declaredUri } from "./declared-uri.ts";
import { adapterMetadata, adapterRegistry, type DocumentFormat } from "./document-format.ts";
import { pathText } from "./document-invalid.ts";
import { parseExactly, parseJson } from "./json-document.ts";
import { cardFormat, readCard } from "./read-card.ts";

/** What one entry of a document makes. */
export interface ImportedEntry {
  /** As the entry says; number, name and times are still to be given. */
  readonly version: AdapterVersion;
  /** SHA-256 of what the entry says and where its files are, in hex: the same again is the same version. */
  readonly digest: string;
}

/** Reads an `adapter_metadata.json`. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED. @param baseUri as of ImportVersions */
export function readMetadataDocument(content: string, baseUri: string): readonly ImportedEntry[] {
  const value = parseJson(content);
  const said = JSON.stringify(parseExactly(content));
  return [importedEntry(adapterMetadata, { value, text: content, said, index: undefined }, baseUri)];
}

/** Reads a model card. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED. @param adapter as of ImportVersions @param baseUri as of ImportVersions: where the files are */
export function readCardDocument(content: string, adapter: string, baseUri: string): readonly ImportedEntry[] {
  const version = readCard(content, adapter);
  return [
    {
      version: { ...version, artifact: artifactAt(baseUri) },
      digest: digestOf(cardFormat, baseUri, version.adapter, content),
    },
  ];
}

/** Reads an `adapter_registry.json`. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED. @param baseUri as of ImportVersions */
export function readRegistryDocument(content: string, baseUri: string): readonly ImportedEntry[] {
  const values = registryEntries(parseJson(content));
  const exact = registryEntries(parseExactly(content));
  return values.map((value, index) => {
    const text = JSON.stringify(exact[index]);
    return importedEntry(adapterRegistry, { value, text, said: text, index }, baseUri);
  });
}

interface Entry {
  readonly value: unknown;
  /** As it is kept. */
  readonly text: string;
  /** Without white space. */
  readonly said: string;
  /** Its place in a list; absent where it is the document. */
  readonly index: number | undefined;
}

function importedEntry(format: DocumentFormat, { value, text, said, index }: Entry, baseUri: string): ImportedEntry {
  const version = format.read(value, index);
  const { declared } = version;
  const uri = declaredUri(version, baseUri, pathText([...(index === undefined ? [] : [index]), ...format.pathField]));
  return {
    version: {
      ...version,
      artifact: artifactAt(uri),
      declared: declared && { ...declared, format: format.name, document: text },
    },
    digest: digestOf(format.name, baseUri, said),
  };
}

/** Files that were never read. */
function artifactAt(uri: string): Artifact | undefined {
  return uri === "" ? undefined : { digest: "", uri, files: [], byteCount: 0n, kept: false };
}

function digestOf(...said: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
