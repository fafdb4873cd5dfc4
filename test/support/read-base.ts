import type { BaseModel } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredLayers } from "../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../services/kit/encoded.ts";
import type { UnreadBase } from "../../services/registry/verification/verify-adapter.ts";

/** A base model that is in memory anyway. */
export function readBase({ layers, ...baseModel }: BaseModel): UnreadBase {
  const read = async () => ({ baseModel: { ...baseModel, layers: [] }, layers: encoded(StoredLayers, { layers }) });
  return { vocabularyDigest: baseModel.vocabularyDigest, layerBytes: async () => 0, read };
}
