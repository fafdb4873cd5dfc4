import type {
  DeleteDatasetRequest,
  DeleteDatasetResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import * as command from "../commands/delete-dataset.ts";
import type { ExportContext } from "../context.ts";
import { checkDatasetName } from "../dataset/names.ts";

type Handler = (request: DeleteDatasetRequest, call: Call) => Promise<DeleteDatasetResponse>;

export function deleteDataset(context: ExportContext): Handler {
  return async ({ name }, { caller }) => {
    checkDatasetName(name);
    await command.deleteDataset(context, caller.tenant, name);
    return {};
  };
}
