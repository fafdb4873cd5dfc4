import type { GetDatasetRequest, GetDatasetResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import type { ExportContext } from "../context.ts";
import { findDataset } from "../dataset/datasets.ts";
import { checkDatasetName } from "../dataset/names.ts";

type Handler = (request: GetDatasetRequest, call: Call) => Promise<GetDatasetResponse>;

export function getDataset(context: ExportContext): Handler {
  return async ({ name, version }, { caller }) => {
    checkDatasetName(name);
    return { dataset: await findDataset(context, caller.tenant, name, version === 0 ? undefined : version) };
  };
}
