import {
  RenderVersionsRequest_Format as Format,
  type ImportVersionsRequest,
  type ImportVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call, Caller } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { parseArtifactUri } from "../artifacts/artifact-uri.ts";
import { importVersions as command } from "../commands/import-versions.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ImportVersionsRequest, call: Call) => Promise<ImportVersionsResponse>;

export function importVersions(context: RegistryContext): Handler {
  return async (request, { caller }) => {
    checkAdapter(request);
    if (request.baseUri !== "") await checkBase(context, caller, request.baseUri);
    const entries = await context.documents.read(request);
    return { versions: await command(context, caller, entries, request.validateOnly) };
  };
}

/** That the configuration allows it and something is there, before versions name it. */
async function checkBase({ artifacts }: RegistryContext, { tenantName }: Caller, baseUri: string): Promise<void> {
  parseArtifactUri(baseUri, "base_uri");
  await artifacts.locate(tenantName, baseUri);
}

function checkAdapter({ format, adapter }: ImportVersionsRequest): void {
  if (adapter === "") return;
  if (format !== Format.FORMAT_MODEL_CARD && format !== Format.FORMAT_ADAPTER_METADATA)
    throw fieldInvalid("adapter", adapter, "none: the document's entries have ids");
  checkAdapterName(adapter);
}
