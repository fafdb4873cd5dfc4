import type { BaseModel } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { UnreadBase } from "../../services/registry/verification/verify-adapter.ts";

/** A base model that is in memory anyway. */
export function readBase(base: BaseModel): UnreadBase {
  return { layerBytes: async () => 0, read: async () => base };
}
