import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import type { Key, TenantId } from "../../store/store.ts";
import { toBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { prefixRange } from "../keys.ts";

/** Base models by name and revision, without layers and configuration. */
export async function listBaseModels(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
  { at, start, limit }: ListPosition & { readonly limit: number },
): Promise<{ readonly baseModels: BaseModel[]; readonly next: Key | undefined }> {
  const range = prefixRange("base-model/");
  const page = await store.scan(tenant, { start: start ?? range.start, end: range.end }, { at, limit });
  const baseModels = page.entries.flatMap((entry) => {
    const model = toBaseModel(entry)?.baseModel;
    return model === undefined ? [] : [{ ...model, configurationJson: "" }];
  });
  return { baseModels, next: page.next };
}
