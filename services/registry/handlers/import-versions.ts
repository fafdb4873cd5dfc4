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

type Handler = (request: ImportVersionsRequest, call: Call) => Promise<ImportVersionsResponse>;

export function importVersions(context: RegistryContext): Handler {
  return async (request, { caller }) => {
    if (request.baseUri !== "") parseArtifactUri(request.baseUri, "base_uri");
    checkAdapter(request);
    const entries = await context.documents.read(request);
    return { versions: await command(context, caller, entries, request.validateOnly) };
  };
}

function checkAdapter({ format, adapter }: ImportVersionsRequest): void {
  if (adapter === "") return;
  if (format !== Format.FORMAT_MODEL_CARD)
    throw fieldInvalid("adapter", adapter, "none: the document's entries have ids");
  checkAdapterName(adapter);
}
