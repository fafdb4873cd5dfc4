import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { readAdapterMetadata, renameParts, writeAdapterMetadata } from "./adapter-metadata.ts";
import { readRegistryEntry, writeRegistryEntry } from "./adapter-registry.ts";
import { type JsonObject, parseExactly } from "./json-document.ts";
import { mergeDocument } from "./merge-document.ts";

/** A format of others that is read and written. */
export interface DocumentFormat {
  /** As `Declared.format` has it. */
  readonly name: string;
  readonly fileName: string;
  /** Where an entry has the path of its files. */
  readonly pathField: readonly string[];
  /**
   * What an entry says; nothing of it is checked. Throws DOCUMENT_INVALID.
   * @param adapter whose version it is; empty for what the entry says
   * @param index its place in a list of entries
   */
  readonly read: (entry: unknown, adapter: string, index?: number) => AdapterVersion;
  /** @param path the version's folder, empty where nobody knows */
  readonly write: (version: AdapterVersion, path: string) => JsonObject;
  /** What `write` gave with the keys that a document has for it. */
  readonly rename: (written: JsonObject, document: JsonObject) => JsonObject;
}

export const adapterMetadata: DocumentFormat = {
  name: "adapter_metadata",
  fileName: "adapter_metadata.json",
  pathField: ["vllm", "adapter_path"],
  read: readAdapterMetadata,
  write: writeAdapterMetadata,
  rename: renameParts,
};

export const adapterRegistry: DocumentFormat = {
  name: "adapter_registry",
  fileName: "adapter_registry.json",
  pathField: ["path"],
  read: (entry, _adapter, index) => readRegistryEntry(entry, index),
  write: writeRegistryEntry,
  rename: (written) => written,
};

/** A version in a format. `original` is there where it came in this format and nothing changed since: then it is what came. */
export interface WrittenVersion {
  readonly entry: JsonObject;
  readonly original?: string;
}

/** What came from a document of the format is that document, brought up to date: unknown keys, their order and the form of numbers stay. */
export function writeVersion(format: DocumentFormat, version: AdapterVersion, path: string): WrittenVersion {
  const { declared } = version;
  if (declared?.format !== format.name) return { entry: format.write(version, path) };
  const imported = format.read(JSON.parse(declared.document), version.adapter);
  const document = parseExactly(declared.document) as JsonObject;
  const before = format.rename(format.write(imported, declared.artifactPath), document);
  const after = format.rename(format.write({ ...imported, ...changesOf(version) }, path), document);
  const entry = mergeDocument(document, before, after);
  const isUnchanged = JSON.stringify(entry) === JSON.stringify(document);
  return isUnchanged ? { entry, original: declared.document } : { entry };
}

/** What can differ from what was imported: what callers change, and once its files were read what was found in them. */
export function changesOf(version: AdapterVersion): Partial<AdapterVersion> {
  const { metrics, metadata, state, baseModel, method, peft, artifact, servability } = version;
  const found = { state, baseModel, method, peft, artifact, servability };
  return { metrics, metadata, ...(servability.length > 0 && found) };
}
