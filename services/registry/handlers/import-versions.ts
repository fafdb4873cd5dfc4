import {
  RenderVersionsRequest_Format as Format,
  type ImportVersionsRequest,
  type ImportVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { parseArtifactUri } from "../artifacts/artifact-uri.ts";
import { importVersions as command } from "../commands/import-versions.ts";
import type { RegistryContext } from "../context.ts";
import {
  type ImportedEntry,
  readCardDocument,
  readMetadataDocument,
  readRegistryDocument,
} from "../interchange/read-document.ts";

type Handler = (request: ImportVersionsRequest, call: Call) => Promise<ImportVersionsResponse>;

export function importVersions(context: RegistryContext): Handler {
  return async (request, { caller }) => {
    if (request.baseUri !== "") parseArtifactUri(request.baseUri, "base_uri");
    checkAdapter(request);
    const entries = readEntries(request);
    return { versions: await command(context, caller, entries, request.validateOnly) };
  };
}

function checkAdapter({ format, adapter }: ImportVersionsRequest): void {
  if (adapter === "") return;
  if (format !== Format.FORMAT_MODEL_CARD)
    throw fieldInvalid("adapter", adapter, "none: the document's entries have ids");
  checkAdapterName(adapter);
}

function readEntries({ format, content, baseUri, adapter }: ImportVersionsRequest): readonly ImportedEntry[] {
  switch (format) {
    case Format.FORMAT_ADAPTER_METADATA:
      return readMetadataDocument(content, baseUri);
    case Format.FORMAT_ADAPTER_REGISTRY:
      return readRegistryDocument(content, baseUri);
    case Format.FORMAT_MODEL_CARD:
      return readCardDocument(content, adapter, baseUri);
    default:
      throw fieldInvalid(
        "format",
        String(format),
        "FORMAT_ADAPTER_METADATA, FORMAT_ADAPTER_REGISTRY or FORMAT_MODEL_CARD",
      );
  }
}
