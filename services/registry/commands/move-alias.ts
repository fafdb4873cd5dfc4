import { type AliasMove, AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Expectation, TenantId } from "../../store/store.ts";
import { aliasNotFound, versionNotFound, versionNotServable } from "../adapters/adapter-errors.ts";
import { readUse } from "../adapters/adapter-use.ts";
import { lastMove } from "../adapters/alias-moves.ts";
import type { ChangeContext } from "../adapters/change-version.ts";
import { type AliasMoveRequest, expectedAlias, planMove } from "../adapters/move-alias.ts";
import { versionText } from "../adapters/names.ts";
import { type KeptMove, shownMove } from "../adapters/shown-adapter.ts";
import { getAdapter, type Reader } from "../adapters/stored-adapters.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { stateOf } from "../adapters/version-state.ts";
import { adapterKey, versionStateKey } from "../keys.ts";
import { expectTrusted } from "../signatures/check-signature.ts";

/**
 * Points an alias at a version or removes it; of calls that expect the same revision one succeeds. An alias that is there already does not move.
 * Rejects with ADAPTER_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_SERVABLE, SIGNATURE_REQUIRED, ALIAS_CONFLICT, ALIAS_NOT_FOUND, LIMIT_EXCEEDED.
 */
export async function moveAlias(
  context: ChangeContext,
  tenant: TenantId,
  request: AliasMoveRequest,
): Promise<AliasMove> {
  const attempt = () => move(context, tenant, request);
  return shownMove(await context.turns.take(`${tenant}/${request.adapter}`, () => retryAborted(attempt)));
}

async function move({ store, clock }: ChangeContext, tenant: TenantId, request: AliasMoveRequest): Promise<KeptMove> {
  const adapter = await getAdapter(store, tenant, request.adapter);
  const use = await readUse(store, tenant, request.adapter);
  const current = await expectedAlias(store, tenant, request);
  if ((current?.stored.version ?? 0) === request.version) return moveBefore(store, tenant, request);
  const isReady = await readyVersion(store, tenant, request);
  const planned = await planMove(store, tenant, request, { current, use, now: clock.now() });
  const isLive = { key: adapterKey(adapter.name), revision: adapter.revision };
  const head = await store.commit(tenant, planned.mutations, [...planned.expectations, isLive, ...isReady]);
  return planned.made(head.revision);
}

async function moveBefore(store: Reader, tenant: TenantId, { adapter, alias }: AliasMoveRequest): Promise<KeptMove> {
  const last = await lastMove(store, tenant, adapter, alias);
  if (last === undefined) throw aliasNotFound(adapter, alias);
  return last;
}

/** What must still be so when the alias moves: the version, if it moves to one, may be served, by the policy too. */
async function readyVersion(
  store: Reader,
  tenant: TenantId,
  { adapter, version }: AliasMoveRequest,
): Promise<Expectation[]> {
  if (version === 0) return [];
  const name = { adapter, version };
  const found = await findOwnVersion(store, tenant, name);
  if (found === undefined) throw versionNotFound(name);
  const state = stateOf(found.state);
  if (state !== State.STATE_READY) throw versionNotServable(name, state, "an alias points only at a ready version");
  const signed = { name: versionText(name), signature: found.state.signature };
  return [await expectTrusted({ store }, tenant, signed), { key: versionStateKey(name), revision: found.revision }];
}
