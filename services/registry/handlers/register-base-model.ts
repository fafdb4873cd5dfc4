import type {
  RegisterBaseModelRequest,
  RegisterBaseModelResponse,
} from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkBaseModel } from "../base-models/check-base-model.ts";
import * as command from "../commands/register-base-model.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: RegisterBaseModelRequest, call: Call) => Promise<RegisterBaseModelResponse>;

export function registerBaseModel(context: RegistryContext): Handler {
  return async ({ baseModel }, { caller }) => {
    if (baseModel === undefined) throw fieldInvalid("base_model", "", "a base model");
    const checked = checkBaseModel(baseModel);
    return { baseModel: await command.registerBaseModel(context, caller.tenant, checked, caller.tokenId) };
  };
}
