import type { PutDatasetRequest, PutDatasetResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import * as command from "../commands/put-dataset.ts";
import type { ExportContext } from "../context.ts";
import { checkDatasetName } from "../dataset/names.ts";

type Handler = (request: PutDatasetRequest, call: Call) => Promise<PutDatasetResponse>;

export function putDataset(context: ExportContext): Handler {
  return async ({ name, spec, expectedVersion }, { caller }) => {
    checkDatasetName(name);
    if (spec === undefined) {
      throw fieldInvalid("spec", "", "a dataset's spec");
    }
    return { dataset: await command.putDataset(context, caller.tenant, { name, spec, expectedVersion }) };
  };
}
