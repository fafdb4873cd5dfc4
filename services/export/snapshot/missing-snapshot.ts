import type { ServiceError } from "../../kit/errors.ts";
import type { StoreReader, TenantId } from "../../store/store.ts";
import { planKey } from "../keys.ts";
import { snapshotExpired, snapshotNotFound } from "./snapshot-errors.ts";
import { hexOf, planOf } from "./snapshot-key.ts";

/** Whether there was a snapshot once: its plan outlives it. */
export async function wasThere(store: StoreReader, tenant: TenantId, key: Uint8Array): Promise<boolean> {
  return (await store.get(tenant, planKey(planOf(key).hash))) !== undefined;
}

/** Why there is none: SNAPSHOT_EXPIRED where there was one, else SNAPSHOT_NOT_FOUND. */
export async function snapshotMissing(store: StoreReader, tenant: TenantId, key: Uint8Array): Promise<ServiceError> {
  return (await wasThere(store, tenant, key)) ? snapshotExpired(key) : snapshotNotFound(hexOf(key));
}
