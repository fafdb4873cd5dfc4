import {
  RenderVersionsRequest_Format as Format,
  type ImportVersionsRequest,
  type ImportVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { parseArtifactUri } from "../artifacts/artifact-uri.ts";
import { importVersions as command } from "../commands/import-versions.ts";
import type { RegistryContext } from "../context.ts";
import { type ImportedEntry, readMetadataDocument, readRegistryDocument } from "../interchange/read-document.ts";

type Handler = (request: ImportVersionsRequest, call: Call) => Promise<ImportVersionsResponse>;

export function importVersions(context: RegistryContext): Handler {
  return async (request, { caller }) => {
    if (request.baseUri !== "") parseArtifactUri(request.baseUri, "base_uri");
    const entries = readEntries(request);
    return { versions: await command(context, caller, entries, request.validateOnly) };
  };
}

function readEntries({ format, content, baseUri }: ImportVersionsRequest): readonly ImportedEntry[] {
  switch (format) {
    case Format.FORMAT_ADAPTER_METADATA:
      return readMetadataDocument(content, baseUri);
    case Format.FORMAT_ADAPTER_REGISTRY:
      return readRegistryDocument(content, baseUri);
    default:
      throw fieldInvalid("format", String(format), "FORMAT_ADAPTER_METADATA or FORMAT_ADAPTER_REGISTRY");
  }
}
