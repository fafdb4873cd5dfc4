import type { BaseModelServiceImplementation } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";
import { deleteBaseModel } from "./handlers/delete-base-model.ts";
import { getBaseModel } from "./handlers/get-base-model.ts";
import { listBaseModels } from "./handlers/list-base-models.ts";
import { registerBaseModel } from "./handlers/register-base-model.ts";

/** Every method of `BaseModelService` with its handler. */
export function baseModelService(context: RegistryContext): BaseModelServiceImplementation<CallExtension> {
  return {
    registerBaseModel: registerBaseModel(context),
    getBaseModel: getBaseModel(context),
    listBaseModels: listBaseModels(context),
    deleteBaseModel: deleteBaseModel(context),
  };
}
