import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { Turns } from "../../kit/turns.ts";
import { type Clock, type Store, StoreError, type TenantId } from "../../store/store.ts";
import { artifactNotFound } from "./artifact-errors.ts";
import { artifactOfFiles } from "./artifact-of-files.ts";
import type { ArtifactFiles, ArtifactStore } from "./artifact-store.ts";
import type { LocatedFiles } from "./artifact-uri.ts";
import type { StagedArtifact } from "./staged-artifact.ts";
import type { Staging } from "./staging.ts";
import { keepArtifact, markRemoved, markUnknownRemoved } from "./stored-artifacts.ts";

export interface ArtifactsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly kept: ArtifactStore;
  readonly staging: Staging;
  /** Opens what lies where a caller says, in places that the configuration allows. Throws ADAPTER_FILE_FORBIDDEN, ARTIFACT_NOT_FOUND, FIELD_INVALID. */
  readonly locate: (tenantName: string, uri: string) => Promise<LocatedFiles>;
}

/** The artifacts of the registry: those that it keeps, and those that lie elsewhere. */
export class Artifacts {
  readonly #parts: ArtifactsParts;
  /** Keeping and removing the same artifact never overlap in a process; between processes the mark of a removal keeps them apart. */
  readonly #turns = new Turns();

  constructor(parts: ArtifactsParts) {
    this.#parts = parts;
  }

  /** Begins an upload: dispose of it, whatever happened. */
  begin(): Promise<StagedArtifact> {
    return this.#parts.staging.begin();
  }

  /** Keeps what was staged, if that has this digest. It is there, durably, once resolved. Throws ARTIFACT_INVALID; CONFLICT while the same artifact is being removed. */
  async keep(tenant: TenantId, staged: StagedArtifact, digest: string): Promise<Artifact> {
    const { store, clock, kept } = this.#parts;
    await staged.finish(digest);
    const artifact = artifactOfFiles(staged.files, { uri: kept.uri(tenant, digest), kept: true });
    const put = () => kept.put(tenant, digest, staged);
    return this.#inTurn(tenant, digest, () => keepArtifact(store, tenant, artifact, clock.now(), put));
  }

  /** The files of an artifact, wherever they are. Throws ARTIFACT_NOT_FOUND; for one that is not kept also ADAPTER_FILE_FORBIDDEN. */
  async open({ tenant, tenantName }: TenantOfCall, artifact: Artifact): Promise<ArtifactFiles> {
    if (!artifact.kept) return (await this.locate(tenantName, artifact.uri)).files;
    const files = await this.#parts.kept.open(tenant, artifact.digest);
    if (files === undefined) throw artifactNotFound(artifact.digest);
    return files;
  }

  /** The files that lie at a URI. Throws FIELD_INVALID, ADAPTER_FILE_FORBIDDEN, ARTIFACT_NOT_FOUND. */
  locate(tenantName: string, uri: string): Promise<LocatedFiles> {
    return this.#parts.locate(tenantName, uri);
  }

  /** Removes a kept artifact that no version has used for 24 hours, and ends a removal that was broken off. */
  removeUnused(tenant: TenantId, digest: string): Promise<void> {
    return this.#remove(tenant, digest, markRemoved);
  }

  /** Removes files that the store does not know of. */
  removeUnknown(tenant: TenantId, digest: string): Promise<void> {
    return this.#remove(tenant, digest, markUnknownRemoved);
  }

  #remove(tenant: TenantId, digest: string, begin: typeof markRemoved): Promise<void> {
    const { store, clock, kept } = this.#parts;
    return this.#inTurn(tenant, digest, async () => {
      const mark = await begin(store, tenant, digest, clock.now());
      if (mark === undefined) return;
      await kept.remove(tenant, digest);
      await store.commit(tenant, [{ delete: mark.key }], [mark]).catch((error: unknown) => {
        // Another process took the removal up.
        if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
      });
    });
  }

  #inTurn<Result>(tenant: TenantId, digest: string, section: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(`${tenant}/${digest}`, section);
  }
}

/** Whose artifact it is. */
export interface TenantOfCall {
  readonly tenant: TenantId;
  readonly tenantName: string;
}
