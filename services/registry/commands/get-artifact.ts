import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { StoreReader, TenantId } from "../../store/store.ts";
import { findArtifact } from "../artifacts/stored-artifacts.ts";

/** What is kept under a digest. Rejects with ARTIFACT_NOT_FOUND. */
export function getArtifact(store: StoreReader, tenant: TenantId, digest: string): Promise<Artifact> {
  return findArtifact(store, tenant, digest);
}
