import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Revision, TenantId } from "../../store/store.ts";
import { revisionConflict } from "../adapters/adapter-errors.ts";
import { type ChangeContext, changeVersion } from "../adapters/change-version.ts";
import { type VersionReference, versionText } from "../adapters/names.ts";
import { sameMetadata } from "../adapters/same-metadata.ts";

export interface PutVersionMetadata {
  readonly metadata: Record<string, string>;
  /** What the version's revision must be; not checked where absent. */
  readonly expectedRevision: Revision | undefined;
}

/** Replaces the metadata; the same again is written no second time. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND, CONFLICT. */
export function putVersionMetadata(
  context: ChangeContext,
  tenant: TenantId,
  reference: VersionReference,
  { metadata, expectedRevision }: PutVersionMetadata,
): Promise<AdapterVersion> {
  return changeVersion(context, tenant, reference, ({ name, state, revision }) => {
    if (sameMetadata(state.metadata, metadata)) return undefined;
    if (expectedRevision !== undefined && expectedRevision !== revision) {
      throw revisionConflict(`Version "${versionText(name)}"`, expectedRevision, revision);
    }
    return { state: { ...state, metadata } };
  });
}
