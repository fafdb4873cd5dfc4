import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Caller } from "../../kit/call.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { versionNotFound } from "../adapters/adapter-errors.ts";
import { readUse } from "../adapters/adapter-use.ts";
import { findAlias } from "../adapters/aliases.ts";
import { noChanges, together } from "../adapters/changes.ts";
import { planMove } from "../adapters/move-alias.ts";
import { madeBefore, type NamedRequest, namedRequest, rememberRequest } from "../adapters/named-request.ts";
import { planVersions } from "../adapters/new-versions.ts";
import { useParent } from "../adapters/parent.ts";
import { prepareRegistration, type Registration } from "../adapters/registration.ts";
import { showVersion } from "../adapters/shown-version.ts";
import { findAdapter } from "../adapters/stored-adapters.ts";
import { checkNotDeleted, findOwnVersion, getVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import { useArtifact } from "../artifacts/stored-artifacts.ts";
import { BaseModelChanged } from "../base-models/base-model-errors.ts";
import { unchangedBase, useOfBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { expectSignature } from "../signatures/check-signature.ts";
import { whileHeld } from "../training/holds.ts";

/**
 * Makes the next version of an adapter once its files are found right and what it was trained on is held; until then nobody sees anything. A request
 * that made a version before gives that one. Rejects as `prepareRegistration` does; with ADAPTER_NOT_FOUND where the adapter is deleted, VERSION_NOT_FOUND where the parent
 * is, or the version that the request made before, EXPORT_UNAVAILABLE, CONFLICT where the base model became another one again and again.
 */
export async function registerVersion(
  context: RegistryContext,
  caller: Caller,
  request: RegisterVersionRequest,
  signal: AbortSignal,
): Promise<AdapterVersion> {
  const { store } = context;
  const { tenant } = caller;
  const named = namedRequest(request);
  const before = await findMade(store, tenant, named);
  return showVersion(store, tenant, before ?? (await registerSound(context, caller, { request, named, signal })));
}

async function findMade(store: Store, tenant: TenantId, named: NamedRequest): Promise<KeptVersion | undefined> {
  const name = await madeBefore(store, tenant, named);
  if (name === undefined) return undefined;
  const adapter = await findAdapter(store, tenant, name.adapter);
  const made = await findOwnVersion(store, tenant, name);
  if (adapter === undefined || made === undefined) throw versionNotFound(name);
  checkNotDeleted(made, adapter);
  return made;
}

interface Asked {
  readonly request: RegisterVersionRequest;
  readonly named: NamedRequest;
  readonly signal: AbortSignal;
}

const verifications = 4;

/** Verifies again where the base model became another one meanwhile. */
async function registerSound(context: RegistryContext, caller: Caller, asked: Asked): Promise<KeptVersion> {
  for (let done = 1; done < verifications; done++) {
    try {
      return await register(context, caller, asked);
    } catch (error) {
      if (!(error instanceof BaseModelChanged)) throw error;
    }
  }
  return register(context, caller, asked);
}

async function register(
  context: RegistryContext,
  caller: Caller,
  { request, named, signal }: Asked,
): Promise<KeptVersion> {
  const exportClient = context.exportClient.until(signal);
  const registration = await prepareRegistration({ ...context, exportClient }, caller, request, signal);
  const snapshots = registration.version.version.provenance?.snapshots ?? [];
  const attempt = attemptsOf(context, caller, { ...registration, request, named });
  const make = () => context.turns.take(`${caller.tenant}/${request.adapter}`, () => retryAborted(attempt));
  if (snapshots.length === 0) return make();
  const name = await whileHeld(context, caller, { snapshots, signal }, async () => (await make()).name);
  // Whoever holds snapshots is told of data that was deleted meanwhile.
  return getVersion(context.store, caller.tenant, name);
}

interface Prepared extends Registration {
  readonly request: RegisterVersionRequest;
  readonly named: NamedRequest;
}

/** Each after the first has the base model as it is then, for what may have changed of it need not matter. Rejects with BaseModelChanged where it does. */
function attemptsOf(context: RegistryContext, caller: Caller, prepared: Prepared): () => Promise<KeptVersion> {
  let isFirst = true;
  return async () => {
    const base = isFirst ? prepared.base : await unchangedBase(context.store, caller.tenant, prepared.base);
    isFirst = false;
    if (base === undefined) throw new BaseModelChanged();
    return commitVersion(context, caller, { ...prepared, base });
  };
}

async function commitVersion(context: RegistryContext, caller: Caller, prepared: Prepared): Promise<KeptVersion> {
  const { store } = context;
  const { tenant, tokenId: creator } = caller;
  const { request, named, version, artifact, base, parent } = prepared;
  const before = await findMade(store, tenant, named);
  if (before !== undefined) return before;
  const now = context.clock.now();
  const { adapter } = request;
  const used = parent && (await useParent(store, tenant, parent));
  const state = { ...version.state, inheritedDeletedData: used?.inheritedDeletedData };
  const planned = await planVersions(store, tenant, { adapter, creator, now, versions: [{ ...version, state }] });
  const [name] = planned.names as [VersionName];
  const { mutations, expectations } = together(
    planned,
    await planAlias(context, caller, prepared, name),
    used ?? noChanges,
    artifact.kept ? await useArtifact(store, tenant, artifact.digest, name) : noChanges,
    usedBase(base),
    await expectSignature(context, tenant, artifact.files, request.signatureBundleJson),
    rememberRequest(named, name),
  );
  const { revision } = await store.commit(tenant, mutations, expectations);
  return { name, stored: { version: version.version, request: request.request }, state, revision };
}

async function planAlias(
  { store, clock }: RegistryContext,
  { tenant, tokenId: actor }: Caller,
  { request: { adapter, alias } }: Prepared,
  { version }: VersionName,
): Promise<Changes> {
  if (alias === "") return noChanges;
  const current = await findAlias(store, tenant, adapter, alias);
  const use = await readUse(store, tenant, adapter);
  const move = { adapter, alias, version, expectedRevision: undefined, reason: "registered", actor };
  return planMove(store, tenant, move, { current, use, now: clock.now() });
}

function usedBase(base: Registration["base"]): Changes {
  const { mutation, expectation } = useOfBaseModel(base);
  return { mutations: [mutation], expectations: [expectation] };
}
