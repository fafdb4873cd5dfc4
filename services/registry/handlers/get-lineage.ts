import type { GetLineageRequest, GetLineageResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkScope } from "../../kit/check-scope.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { getLineage as command } from "../commands/get-lineage.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetLineageRequest, call: Call) => Promise<GetLineageResponse>;

export function getLineage(context: RegistryContext): Handler {
  return async ({ version, records }, { caller, signal }) => {
    if (records < 0 || records > limits.lineage_records) {
      throw fieldInvalid("records", String(records), `0 to ${limits.lineage_records} (lineage_records)`);
    }
    if (records > 0) checkScope(caller, "export.read", ", needed for records; with `records` 0 the rest is told");
    return command(
      { ...context, exportClient: context.exportClient.until(signal) },
      caller,
      parseVersionReference(version),
      records,
    );
  };
}
