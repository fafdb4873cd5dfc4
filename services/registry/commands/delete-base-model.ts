import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import { versionText } from "../adapters/names.ts";
import { baseModelInUse } from "../base-models/base-model-errors.ts";
import { toBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { baseModelKey, baseModelNameKey, baseModelUseKey, layersKey, prefixRange, versionNameAt } from "../keys.ts";

/** Removes a base model; one that is not there is no error. Rejects with BASE_MODEL_IN_USE while a version names it, a deleted one too. */
export function deleteBaseModel(
  { store }: Pick<RegistryContext, "store">,
  tenant: TenantId,
  { name, revision }: { readonly name: string; readonly revision: string },
): Promise<void> {
  return retryAborted(async () => {
    const keys = [baseModelKey(name, revision), baseModelUseKey(name, revision)] as const;
    const [entry, use] = await Promise.all(keys.map((key) => store.get(tenant, key)));
    const model = entry && toBaseModel(entry)?.baseModel;
    if (entry === undefined || model === undefined) return;
    const range = prefixRange("version-of-base/", name, "\0", revision, "\0");
    const [user] = (await store.scan(tenant, range, { limit: 1 })).entries;
    if (user !== undefined) {
      const version = versionNameAt(user.key, range.start.length);
      throw baseModelInUse(name, revision, versionText(version));
    }
    const names = model.otherNames.map((other) => ({ delete: baseModelNameKey(other, name, revision) }));
    await store.commit(
      tenant,
      [{ delete: keys[0] }, { delete: layersKey(name, revision) }, ...names, ...(use ? [{ delete: keys[1] }] : [])],
      [
        { key: keys[0], revision: entry.revision },
        { key: keys[1], revision: use?.revision ?? 0n },
      ],
    );
  });
}
