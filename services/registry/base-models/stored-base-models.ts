import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredBaseModel, StoredLayers } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { limits } from "../../kit/limits.ts";
import { entries } from "../../store/entries.ts";
import type { Entry, Expectation, Mutation, Revision, TenantId } from "../../store/store.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { baseModelKey, baseModelUseKey, layersKey, prefixRange } from "../keys.ts";
import type { UnreadBase } from "../verification/verify-adapter.ts";
import { baseModelNotFound, revisionNeeded } from "./base-model-errors.ts";
import { defaultRevision, isRevision } from "./check-base-model.ts";

/** A base model without its layers. */
export interface KeptBaseModel {
  readonly baseModel: BaseModel;
  /** The commit that wrote it. */
  readonly revision: Revision;
}

/** What a reference names: by name, else by one of its other names. Rejects with BASE_MODEL_NOT_FOUND, also where the revision has to be said. */
export async function findBaseModel(
  store: Reader,
  tenant: TenantId,
  { name, revision }: Pick<BaseModelReference, "name" | "revision">,
): Promise<KeptBaseModel> {
  const own = await findOwn(store, tenant, name, revision || defaultRevision);
  if (own !== undefined) return own;
  const found = (await modelsNamed(store, tenant, name)) ?? (await modelsOtherwiseNamed(store, tenant, name));
  if (found === undefined) throw baseModelNotFound(name);
  const wanted = found.find(({ baseModel }) => baseModel.revision === (revision || defaultRevision));
  if (wanted !== undefined) return wanted;
  if (revision !== "") throw baseModelNotFound(name, revision);
  const [only, ...others] = found;
  if (only === undefined || others.length > 0)
    throw revisionNeeded(
      name,
      found.map(({ baseModel }) => baseModel.revision),
    );
  return only;
}

/** As `findBaseModel`, with its layers. */
export async function readBaseModel(
  store: Reader,
  tenant: TenantId,
  reference: Pick<BaseModelReference, "name" | "revision">,
): Promise<KeptBaseModel> {
  const { baseModel, revision } = await findBaseModel(store, tenant, reference);
  return { baseModel: { ...baseModel, layers: await layersOf(store, tenant, baseModel) }, revision };
}

export async function layersOf(
  store: Reader,
  tenant: TenantId,
  model: Pick<BaseModel, "name" | "revision">,
): Promise<StoredLayers["layers"]> {
  return StoredLayers.decode(await packedLayersOf(store, tenant, model)).layers;
}

/** None where it is gone. */
async function packedLayersOf(
  store: Reader,
  tenant: TenantId,
  { name, revision }: Pick<BaseModel, "name" | "revision">,
): Promise<Uint8Array> {
  return (await store.get(tenant, layersKey(name, revision)))?.value ?? new Uint8Array();
}

/** For verification; reads the layers again once there is room for them, so that nobody who waits keeps them. */
export function unreadBase(store: Reader, tenant: TenantId, { baseModel }: KeptBaseModel): UnreadBase {
  const packedLayers = () => packedLayersOf(store, tenant, baseModel);
  return {
    vocabularyDigest: baseModel.vocabularyDigest,
    layerBytes: async () => (await packedLayers()).length,
    // The entry's memory may be part of a larger one, which would go along.
    read: async () => ({ baseModel, layers: new Uint8Array(await packedLayers()) }),
  };
}

/** The model as it is now, where all that adapters are checked against is as it was when it was read; undefined where it is not. */
export async function unchangedBase(
  store: Reader,
  tenant: TenantId,
  { baseModel, revision }: KeptBaseModel,
): Promise<KeptBaseModel | undefined> {
  const { name, revision: of, vocabularyDigest } = baseModel;
  // Before the layers: a later change of them changes it too.
  const now = await findOwn(store, tenant, name, of);
  if (now?.revision === revision) return now;
  const layers = await store.get(tenant, layersKey(name, of));
  const isSame = layers !== undefined && layers.revision <= revision;
  return isSame && now?.baseModel.vocabularyDigest === vocabularyDigest ? now : undefined;
}

/** What a commit must hold that makes a version of a base model: the model is still there, and nobody deletes it at the same time. */
export function useOfBaseModel({ baseModel: { name, revision: of }, revision }: KeptBaseModel): {
  readonly mutation: Mutation;
  readonly expectation: Expectation;
} {
  return {
    mutation: { put: baseModelUseKey(name, of), value: new Uint8Array() },
    expectation: { key: baseModelKey(name, of), revision },
  };
}

export function toBaseModel({ value, revision }: Entry): KeptBaseModel | undefined {
  const { baseModel } = StoredBaseModel.decode(value);
  return baseModel && { baseModel, revision };
}

async function findOwn(
  store: Reader,
  tenant: TenantId,
  name: string,
  revision: string,
): Promise<KeptBaseModel | undefined> {
  if (!canBeKept(name) || !isRevision(revision)) return undefined;
  const entry = await store.get(tenant, baseModelKey(name, revision));
  return entry && toBaseModel(entry);
}

/** All revisions; undefined where there is none. */
async function modelsNamed(store: Reader, tenant: TenantId, name: string): Promise<KeptBaseModel[] | undefined> {
  if (!canBeKept(name)) return undefined;
  const models: KeptBaseModel[] = [];
  for await (const entry of entriesOf(store, tenant, "base-model/", name)) {
    const model = toBaseModel(entry);
    if (model !== undefined) models.push(model);
  }
  return models.length === 0 ? undefined : models;
}

/** Those revisions that have this other name. */
async function modelsOtherwiseNamed(
  store: Reader,
  tenant: TenantId,
  other: string,
): Promise<KeptBaseModel[] | undefined> {
  if (!canBeKept(other)) return undefined;
  const models: KeptBaseModel[] = [];
  for await (const { key } of entriesOf(store, tenant, "base-model-name/", other)) {
    const [, name = "", revision = ""] = Buffer.from(key).toString().split("\0");
    const entry = await store.get(tenant, baseModelKey(name, revision));
    const model = entry && toBaseModel(entry);
    if (model !== undefined) models.push(model);
  }
  return models.length === 0 ? undefined : models;
}

function canBeKept(name: string): boolean {
  return name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= limits.base_model_other_name_bytes;
}

/** Entries of one name, which ends with a NUL in the key. */
export function entriesOf(store: Reader, tenant: TenantId, prefix: string, name: string): AsyncGenerator<Entry> {
  return entries(store, tenant, prefixRange(prefix, name, "\0"));
}
