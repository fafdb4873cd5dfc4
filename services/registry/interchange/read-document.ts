import { hash } from "node:crypto";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  RenderVersionsRequest_Format as Format,
  type ImportVersionsRequest,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { registryEntries } from "./adapter-registry.ts";
import { declaredUri } from "./declared-uri.ts";
import { adapterMetadata, adapterRegistry, type DocumentFormat } from "./document-format.ts";
import { pathText } from "./document-invalid.ts";
import { elementTexts, parseExactly, parseJson } from "./json-document.ts";
import { cardFormat, readCard } from "./read-card.ts";

/** What one entry of a document makes. */
export interface ImportedEntry {
  /** As the entry says; number, name and times are still to be given. */
  readonly version: AdapterVersion;
  /** SHA-256 of what the entry says and where its files are, in hex: the same again is the same version. */
  readonly digest: string;
}

/** As of ImportVersionsRequest; the adapter was checked. */
export type DocumentToRead = Pick<ImportVersionsRequest, "format" | "content" | "baseUri" | "adapter">;

/** Reads a document of others. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED; FIELD_INVALID for a format that is not read. */
export function readDocument(document: DocumentToRead): readonly ImportedEntry[] {
  const { format, adapter } = document;
  const content = document.content.replace(/^\uFEFF/, "");
  const baseUri = document.baseUri.replace(/\/+$/, "");
  switch (format) {
    case Format.FORMAT_ADAPTER_METADATA:
      return [metadataEntry(content, adapter, baseUri)];
    case Format.FORMAT_ADAPTER_REGISTRY:
      return listedEntries(content, baseUri);
    case Format.FORMAT_MODEL_CARD:
      return [cardEntry(content, adapter, baseUri)];
    default: {
      const read = "FORMAT_ADAPTER_METADATA, FORMAT_ADAPTER_REGISTRY or FORMAT_MODEL_CARD";
      throw fieldInvalid("format", String(format), read);
    }
  }
}

function metadataEntry(content: string, adapter: string, baseUri: string): ImportedEntry {
  const value = parseJson(content);
  const said = JSON.stringify(parseExactly(content));
  return importedEntry(adapterMetadata, { value, text: content, said, adapter, index: undefined }, baseUri);
}

function listedEntries(content: string, baseUri: string): readonly ImportedEntry[] {
  const values = registryEntries(parseJson(content));
  const exact = registryEntries(parseExactly(content));
  const texts = content.trimStart().startsWith("[") ? elementTexts(content) : [content.trim()];
  return values.map((value, index) => {
    const [text, said] = [texts[index] ?? "", JSON.stringify(exact[index])];
    return importedEntry(adapterRegistry, { value, text, said, adapter: "", index }, baseUri);
  });
}

/** A card says nothing of where its files are: they are at the base. */
function cardEntry(content: string, adapter: string, baseUri: string): ImportedEntry {
  const version = readCard(content, adapter);
  return {
    version: { ...version, artifact: artifactAt(baseUri) },
    digest: digestOf(cardFormat, baseUri, version.adapter, content),
  };
}

interface Entry {
  readonly value: unknown;
  /** As it is kept. */
  readonly text: string;
  /** Without white space. */
  readonly said: string;
  /** What the caller named; empty for none. */
  readonly adapter: string;
  /** Its place in a list; absent where it is the document. */
  readonly index: number | undefined;
}

function importedEntry(format: DocumentFormat, entry: Entry, baseUri: string): ImportedEntry {
  const { value, text, said, adapter, index } = entry;
  const version = format.read(value, adapter, index);
  const { declared } = version;
  const uri = declaredUri(version, baseUri, pathText([...(index === undefined ? [] : [index]), ...format.pathField]));
  return {
    version: {
      ...version,
      artifact: artifactAt(uri),
      declared: declared && { ...declared, format: format.name, document: text },
    },
    digest: digestOf(format.name, baseUri, said, ...(adapter === "" ? [] : [adapter])),
  };
}

/** Files that were never read. */
function artifactAt(uri: string): Artifact | undefined {
  return uri === "" ? undefined : { digest: "", uri, files: [], byteCount: 0n, kept: false };
}

function digestOf(...said: readonly string[]): string {
  return hash("sha256", JSON.stringify(said));
}
