import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { inByteOrder } from "../../kit/byte-order.ts";
import { limits } from "../../kit/limits.ts";
import type { Revision, TenantId } from "../../store/store.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { baseModelNameKey } from "../keys.ts";

/**
 * The other names of a model that is there once it is given more, in order. Every training may name another folder: where they are more than
 * `base_model_names`, those go that were given first. Those given now stay.
 */
export async function otherNamesTogether(
  store: Reader,
  tenant: TenantId,
  known: BaseModel,
  given: readonly string[],
): Promise<string[]> {
  const before = known.otherNames.filter((other) => !given.includes(other));
  const room = limits.base_model_names - given.length;
  const kept = before.length <= room ? before : (await newestFirst(store, tenant, known, before)).slice(0, room);
  return inByteOrder([...given, ...kept], (other) => other);
}

/** A name's entry is written once, when the model is given it. */
async function newestFirst(
  store: Reader,
  tenant: TenantId,
  { name, revision }: BaseModel,
  others: readonly string[],
): Promise<string[]> {
  const dated = others.map(async (other): Promise<[string, Revision]> => {
    const entry = await store.get(tenant, baseModelNameKey(other, name, revision));
    return [other, entry?.revision ?? 0n];
  });
  return (await Promise.all(dated)).toSorted(([, a], [, b]) => Number(b - a)).map(([other]) => other);
}
