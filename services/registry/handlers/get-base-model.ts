import type {
  GetBaseModelRequest,
  GetBaseModelResponse,
} from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Call } from "../../kit/call.ts";
import { readBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetBaseModelRequest, call: Call) => Promise<GetBaseModelResponse>;

export function getBaseModel({ store }: RegistryContext): Handler {
  return async (request, { caller }) => {
    const { baseModel } = await readBaseModel(store, caller.tenant, request);
    return { baseModel };
  };
}
