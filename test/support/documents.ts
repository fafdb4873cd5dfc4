import type { AdapterVersion } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  RenderVersionsRequest_Format as Format,
  type RenderVersionsResponse,
} from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { type ImportedEntry, readDocument } from "../../services/registry/interchange/read-document.ts";
import { renderVersions } from "../../services/registry/interchange/render-versions.ts";

export function readMetadata(content: string, baseUri = "", adapter = ""): readonly ImportedEntry[] {
  return readDocument({ format: Format.FORMAT_ADAPTER_METADATA, content, baseUri, adapter });
}

export function readRegistry(content: string, baseUri = ""): readonly ImportedEntry[] {
  return readDocument({ format: Format.FORMAT_ADAPTER_REGISTRY, content, baseUri, adapter: "" });
}

export function readModelCard(content: string, adapter = "", baseUri = ""): readonly ImportedEntry[] {
  return readDocument({ format: Format.FORMAT_MODEL_CARD, content, baseUri, adapter });
}

export function render(versions: readonly AdapterVersion[], format: Format, pathTemplate = ""): RenderVersionsResponse {
  return renderVersions({ versions, format, pathTemplate });
}
