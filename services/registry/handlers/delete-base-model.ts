import type {
  DeleteBaseModelRequest,
  DeleteBaseModelResponse,
} from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkBaseModelName, checkRevision, defaultRevision } from "../base-models/check-base-model.ts";
import * as command from "../commands/delete-base-model.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: DeleteBaseModelRequest, call: Call) => Promise<DeleteBaseModelResponse>;

export function deleteBaseModel(context: RegistryContext): Handler {
  return async ({ name, revision: given }, { caller }) => {
    checkBaseModelName(name);
    const revision = given || defaultRevision;
    checkRevision(revision);
    await command.deleteBaseModel(context, caller.tenant, { name, revision });
    return {};
  };
}
