import { hash } from "node:crypto";
import { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredVersionName } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid } from "../../kit/field.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { TenantId } from "../../store/store.ts";
import { requestKey, type VersionName } from "../keys.ts";
import { noChanges } from "./changes.ts";
import type { Reader } from "./stored-adapters.ts";

/** A registration that may be asked for again, because its answer was lost. */
export interface NamedRequest {
  /** Empty where the caller gave none: then every call is another registration. */
  readonly id: string;
  /** SHA-256 of what is asked for, without digests of the base model. */
  readonly digest: Uint8Array;
}

export function namedRequest(request: RegisterVersionRequest): NamedRequest {
  const { name = "", revision = "" } = request.baseModel ?? {};
  const canonical = {
    ...request,
    // Digests say what lay on the caller's disk, which may not be there any more when it asks again.
    baseModel: BaseModelReference.create({ name, revision }),
    metrics: sorted(request.metrics),
    metadata: sorted(request.metadata),
  };
  return {
    id: request.request,
    digest: hash("sha256", encoded(RegisterVersionRequest, canonical), "buffer"),
  };
}

/** The version that the request made before, if it did. Rejects with FIELD_INVALID where another request had its id. */
export async function madeBefore(
  store: Reader,
  tenant: TenantId,
  { id, digest }: NamedRequest,
): Promise<VersionName | undefined> {
  const entry = id === "" ? undefined : await store.get(tenant, requestKey(id));
  if (entry === undefined) return undefined;
  const { adapter, version, requestDigest } = StoredVersionName.decode(entry.value);
  if (Buffer.compare(requestDigest, digest) !== 0) {
    throw fieldInvalid("request", id, `an id that no other request had; this one made ${adapter}@${version}`);
  }
  return { adapter, version };
}

/** What remembers which version the request made. */
export function rememberRequest({ id, digest }: NamedRequest, name: VersionName): Changes {
  if (id === "") return noChanges;
  const value = encoded(StoredVersionName, { ...name, requestDigest: digest });
  return { mutations: [{ put: requestKey(id), value }], expectations: [{ key: requestKey(id), revision: 0n }] };
}

function sorted<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
