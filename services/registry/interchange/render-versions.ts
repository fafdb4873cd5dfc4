import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  RenderVersionsRequest_Format as Format,
  type RenderVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { versionNotServable } from "../adapters/adapter-errors.ts";
import {
  adapterMetadata,
  adapterRegistry,
  type DocumentFormat,
  type WrittenVersion,
  writeVersion,
} from "./document-format.ts";
import { folderLayouts } from "./folder-layout.ts";
import { importedCard } from "./imported-card.ts";
import { printJson, printList } from "./json-document.ts";
import { modelCard } from "./model-card.ts";
import { cardFormat } from "./read-card.ts";
import { documentPath } from "./version-path.ts";
import { vllmArguments } from "./vllm-arguments.ts";

/** What is to be written. */
export interface VersionsToRender {
  /** At least one. */
  readonly versions: readonly AdapterVersion[];
  readonly format: Format;
  /** As of RenderVersionsRequest; it was checked. */
  readonly pathTemplate: string;
}

/** Writes versions in a format of others. Throws FIELD_INVALID or VERSION_NOT_SERVABLE. */
export function renderVersions({ versions, format, pathTemplate }: VersionsToRender): RenderVersionsResponse {
  switch (format) {
    case Format.FORMAT_ADAPTER_METADATA:
      return metadataFile(onlyOne(versions), pathTemplate);
    case Format.FORMAT_ADAPTER_REGISTRY:
      return registryFile(versions, pathTemplate);
    case Format.FORMAT_MODEL_CARD:
      return { content: cardOf(onlyOne(versions)), fileName: "README.md" };
    case Format.FORMAT_PEFT_CONFIGURATION:
      return { content: peftConfiguration(onlyOne(versions)), fileName: "adapter_config.json" };
    case Format.FORMAT_VLLM_ARGUMENTS:
      return { content: vllmArguments(versions, pathTemplate), fileName: "" };
    case Format.FORMAT_FOLDER_LAYOUT:
      return { content: folderLayouts(versions), fileName: "" };
    default:
      throw fieldInvalid("format", String(format), "a format");
  }
}

function onlyOne(versions: readonly AdapterVersion[]): AdapterVersion {
  const [version] = versions;
  if (version === undefined || versions.length > 1) {
    throw fieldInvalid("versions", `${versions.length} versions`, "one version: the format holds no more");
  }
  return version;
}

function metadataFile(version: AdapterVersion, template: string): RenderVersionsResponse {
  const { entry, original } = written(adapterMetadata, version, template);
  return { content: original ?? printJson(entry), fileName: adapterMetadata.fileName };
}

function registryFile(versions: readonly AdapterVersion[], template: string): RenderVersionsResponse {
  const entries = versions.map((version) => {
    const { entry, original } = written(adapterRegistry, version, template);
    return original ?? printJson(entry).trimEnd();
  });
  return { content: printList(entries), fileName: adapterRegistry.fileName };
}

function written(format: DocumentFormat, version: AdapterVersion, template: string): WrittenVersion {
  return writeVersion(format, version, documentPath(version, template, format.name));
}

function cardOf(version: AdapterVersion): string {
  return version.declared?.format === cardFormat ? importedCard(version) : modelCard(version);
}

function peftConfiguration(version: AdapterVersion): string {
  const configuration = version.peft?.configurationJson ?? "";
  if (configuration !== "") return configuration;
  throw versionNotServable(version, version.state, "its adapter_config.json was never read; VerifyVersion reads it");
}
