import { isDeepStrictEqual } from "node:util";
import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredBaseModel, StoredLayers } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { snakeCase } from "../../kit/snake-case.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Mutation, Revision, TenantId } from "../../store/store.ts";
import { checkMetadata } from "../adapters/check-fields.ts";
import { baseModelConflict } from "../base-models/base-model-errors.ts";
import { checkOtherNames, keptLayers } from "../base-models/check-base-model.ts";
import { layersTogether } from "../base-models/layers-together.ts";
import { entriesOf, type KeptBaseModel, layersOf, toBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { baseModelKey, baseModelNameKey, baseModelNamesKey, layersKey } from "../keys.ts";

type Context = Pick<RegistryContext, "store" | "clock">;

/**
 * Registers a base model that `checkBaseModel` gave. The same again gives what is there, with the other names, metadata and layers of both, and a vocabulary's
 * digest that one of them has. Rejects with BASE_MODEL_CONFLICT.
 * @param creator id of the token
 */
export function registerBaseModel(
  context: Context,
  tenant: TenantId,
  model: BaseModel,
  creator: string,
): Promise<BaseModel> {
  return retryAborted(async () => {
    const names = (await context.store.get(tenant, baseModelNamesKey))?.revision ?? 0n;
    const known = await knownModel(context, tenant, model);
    const wanted = known === undefined ? created(context, model, creator) : together(known.baseModel, model);
    if (known !== undefined && isDeepStrictEqual(wanted, known.baseModel)) return wanted;
    await checkNames(context, tenant, wanted);
    await keep(context, tenant, wanted, { names, model: known?.revision ?? 0n });
    return wanted;
  });
}

async function knownModel({ store }: Context, tenant: TenantId, model: BaseModel): Promise<KeptBaseModel | undefined> {
  const entry = await store.get(tenant, baseModelKey(model.name, model.revision));
  const kept = entry && toBaseModel(entry);
  return kept && { ...kept, baseModel: { ...kept.baseModel, layers: await layersOf(store, tenant, model) } };
}

function created({ clock }: Context, model: BaseModel, creator: string): BaseModel {
  return { ...model, createTime: toTimestamp(clock.now()), creator };
}

/** What is there, where it has the same content, with what may be added to it. */
function together(known: BaseModel, model: BaseModel): BaseModel {
  checkSame(known, model);
  const layers = layersTogether(known.layers, model.layers);
  if (layers === undefined) throw otherContent(known, "layers");
  const { name } = known;
  const otherNames = checkOtherNames({ name, otherNames: [...known.otherNames, ...model.otherNames] });
  const metadata = { ...known.metadata, ...model.metadata };
  checkMetadata(metadata);
  const vocabularyDigest = known.vocabularyDigest || model.vocabularyDigest;
  return { ...known, layers: keptLayers(layers), vocabularyDigest, otherNames, metadata };
}

/** What never changes of a base model. */
const fixed = [
  "weightsDigest",
  "tokenizerDigest",
  "architecture",
  "modelType",
  "hiddenSize",
  "vocabularySize",
  "configurationJson",
] as const satisfies (keyof BaseModel)[];

function checkSame(known: BaseModel, model: BaseModel): void {
  const other = fixed.find((field) => known[field] !== model[field]);
  if (other !== undefined) throw otherContent(known, other);
  // Older clients do not tell it, and older models lack it.
  const [digest, given] = [known.vocabularyDigest, model.vocabularyDigest];
  if (digest !== "" && given !== "" && given !== digest) throw otherContent(known, "vocabularyDigest");
}

function otherContent({ name, revision }: BaseModel, field: keyof BaseModel): Error {
  const protoName = snakeCase(field);
  const why = `Base model ${JSON.stringify(name)} (${revision}) is registered with another value of ${protoName}`;
  return baseModelConflict(name, revision, protoName, why);
}

/** A name, or another name, is one model's, in all its revisions. */
async function checkNames(
  { store }: Context,
  tenant: TenantId,
  { name, revision, otherNames }: BaseModel,
): Promise<void> {
  for (const called of [name, ...otherNames]) {
    const owner =
      (await ownerOf(store, tenant, "base-model/", called)) ??
      (await ownerOf(store, tenant, "base-model-name/", called));
    if (owner === undefined || owner === name) continue;
    const why = `The name ${JSON.stringify(called)} is taken by base model ${JSON.stringify(owner)}`;
    throw baseModelConflict(name, revision, called === name ? "name" : "other_names", why);
  }
}

async function ownerOf(
  store: Context["store"],
  tenant: TenantId,
  prefix: "base-model/" | "base-model-name/",
  called: string,
): Promise<string | undefined> {
  for await (const { key } of entriesOf(store, tenant, prefix, called)) {
    return prefix === "base-model/" ? called : Buffer.from(key).toString().split("\0")[1];
  }
  return undefined;
}

/** Commits that nobody has written since. */
interface Seen {
  /** Of the last name that was given. */
  readonly names: Revision;
  /** Of the model; 0 where it is new. */
  readonly model: Revision;
}

async function keep({ store }: Context, tenant: TenantId, model: BaseModel, seen: Seen): Promise<void> {
  const { name, revision, layers, otherNames } = model;
  const mutations: Mutation[] = [
    {
      put: baseModelKey(name, revision),
      value: encoded(StoredBaseModel, { baseModel: { ...model, layers: [] } }),
    },
    { put: layersKey(name, revision), value: encoded(StoredLayers, { layers }) },
    ...otherNames.map((other) => ({ put: baseModelNameKey(other, name, revision), value: new Uint8Array() })),
    { put: baseModelNamesKey, value: new Uint8Array() },
  ];
  await store.commit(tenant, mutations, [
    { key: baseModelNamesKey, revision: seen.names },
    { key: baseModelKey(name, revision), revision: seen.model },
  ]);
}
