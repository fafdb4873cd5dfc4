import { FindSnapshotsResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { FindVersionsRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import type { VersionIndex } from "../adapters/versions-at.ts";
import type { ExportClient } from "./export-client.ts";
import { hasReason } from "./export-errors.ts";
import { versionsOf } from "./versions-of.ts";

/** What versions were trained on. */
export type DataOrigin = Extract<
  NonNullable<FindVersionsRequest["origin"]>,
  { $case: "record" | "subject" | "snapshot" | "run" }
>;

/** The runs or snapshots by which the versions are found that were trained on something. */
export interface DataSources {
  /** A page of them, by id. */
  page(pageToken: string): Promise<{ readonly ids: readonly string[]; readonly nextPageToken: string }>;
  /** The versions of one. */
  index(id: string): VersionIndex;
  /** Those of a version, by id. */
  idsOf(provenance: Provenance): readonly string[];
}

/** Throws FIELD_INVALID; what it gives rejects as ExportClient does. The export service knows in which snapshots a record or a subject is. */
export function dataSources(exportClient: ExportClient, tenantName: string, origin: DataOrigin): DataSources {
  switch (origin.$case) {
    case "run":
      // Versions were registered of no run with another id.
      checkRunId(origin.value);
      return { page: onlyPage(origin.value), index: versionsOf.run, idsOf: ({ run }) => [run] };
    case "snapshot":
      if (!sha256Form.test(origin.value)) throw fieldInvalid("snapshot", origin.value, "64 lowercase hex digits");
      return { page: onlyPage(origin.value), ...snapshots };
    default:
      return { page: (pageToken) => foundSnapshots(exportClient, tenantName, { origin, pageToken }), ...snapshots };
  }
}

const snapshots = {
  index: versionsOf.snapshot,
  idsOf: (provenance: Provenance) => provenance.snapshots.map(({ snapshot }) => snapshot).sort(),
};

function onlyPage(id: string): DataSources["page"] {
  return async () => ({ ids: [id], nextPageToken: "" });
}

async function foundSnapshots(
  exportClient: ExportClient,
  tenantName: string,
  asked: { readonly origin: Extract<DataOrigin, { $case: "record" | "subject" }>; readonly pageToken: string },
): ReturnType<DataSources["page"]> {
  const { snapshots: found, nextPageToken } = await ask(exportClient, tenantName, asked);
  return { ids: found.map(({ snapshot }) => snapshot), nextPageToken };
}

async function ask(
  exportClient: ExportClient,
  tenantName: string,
  asked: Parameters<typeof foundSnapshots>[2],
): Promise<FindSnapshotsResponse> {
  try {
    return await exportClient.call(tenantName, ({ exports }, call) => exports.findSnapshots(asked, call));
  } catch (error) {
    // Nothing can have been trained on the data of a tenant that has none.
    if (hasReason(error, "TENANT_NOT_FOUND")) return FindSnapshotsResponse.create();
    throw error;
  }
}
