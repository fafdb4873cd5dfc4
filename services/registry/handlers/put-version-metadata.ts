import type {
  PutVersionMetadataRequest,
  PutVersionMetadataResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkMetadata } from "../adapters/check-fields.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { putVersionMetadata as command } from "../commands/put-version-metadata.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: PutVersionMetadataRequest, call: Call) => Promise<PutVersionMetadataResponse>;

export function putVersionMetadata(context: RegistryContext): Handler {
  return async ({ version, metadata, expectedRevision }, { caller }) => {
    const reference = parseVersionReference(version);
    checkMetadata(metadata);
    return { version: await command(context, caller.tenant, reference, { metadata, expectedRevision }) };
  };
}
