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
import { keptLayers } from "../base-models/check-base-model.ts";
import { layersTogether } from "../base-models/layers-together.ts";
import { otherNamesTogether } from "../base-models/other-names.ts";
import { entriesOf, type KeptBaseModel, layersOf, toBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { baseModelKey, baseModelNameKey, baseModelNamesKey, layersKey } from "../keys.ts";

type Context = Pick<RegistryContext, "store" | "clock" | "turns">;

/**
 * Registers a base model that `checkBaseModel` gave. The same again gives what is there, with the other names, metadata and layers of both, and a vocabulary's
 * digest that one of them has; of too many other names the oldest go. Those of a tenant are registered in turn, for each looks at all names.
 * Rejects with BASE_MODEL_CONFLICT.
 * @param creator id of the token
 */
export function registerBaseModel(
  context: Context,
  tenant: TenantId,
  model: BaseModel,
  creator: string,
): Promise<BaseModel> {
  const attempt = async (): Promise<BaseModel> => {
    const names = (await context.store.get(tenant, baseModelNamesKey))?.revision ?? 0n;
    const known = await knownModel(context, tenant, model);
    const wanted = known ? await together(context, tenant, known.baseModel, model) : created(context, model, creator);
    if (known !== undefined && isDeepStrictEqual(wanted, known.baseModel)) return wanted;
    await checkNames(context, tenant, wanted);
    await keep(context, tenant, wanted, { names, known });
    return wanted;
  };
  return context.turns.take(`base models of ${tenant}`, () => retryAborted(attempt));
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
async function together({ store }: Context, tenant: TenantId, known: BaseModel, model: BaseModel): Promise<BaseModel> {
  checkSame(known, model);
  const layers = layersTogether(known.layers, model.layers);
  if (layers === undefined) throw otherContent(known, "layers");
  const otherNames = await otherNamesTogether(store, tenant, known, model.otherNames);
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

/** What nobody has written since. */
interface Seen {
  /** The commit that gave a name last. */
  readonly names: Revision;
  /** Absent where the model is new. */
  readonly known: KeptBaseModel | undefined;
}

async function keep({ store }: Context, tenant: TenantId, model: BaseModel, { names, known }: Seen): Promise<void> {
  const { name, revision, layers, otherNames } = model;
  const key = baseModelKey(name, revision);
  const isSame = isDeepStrictEqual(known?.baseModel.layers, layers);
  const mutations: Mutation[] = [
    { put: key, value: encoded(StoredBaseModel, { baseModel: { ...model, layers: [] } }) },
    // Their revision tells whether they changed: `unchangedBase`.
    ...(isSame ? [] : [{ put: layersKey(name, revision), value: encoded(StoredLayers, { layers }) }]),
    ...nameMutations(model, otherNames, known?.baseModel.otherNames ?? []),
    { put: baseModelNamesKey, value: new Uint8Array() },
  ];
  await store.commit(tenant, mutations, [
    { key: baseModelNamesKey, revision: names },
    { key, revision: known?.revision ?? 0n },
  ]);
}

/** Only of names that come or go, for the entry's revision tells their age. */
function nameMutations({ name, revision }: BaseModel, wanted: readonly string[], known: readonly string[]): Mutation[] {
  const added = wanted.filter((other) => !known.includes(other));
  const gone = known.filter((other) => !wanted.includes(other));
  return [
    ...added.map((other) => ({ put: baseModelNameKey(other, name, revision), value: new Uint8Array() })),
    ...gone.map((other) => ({ delete: baseModelNameKey(other, name, revision) })),
  ];
}
