import type {
  ValidateSampleRequest,
  ValidateSampleResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import * as command from "../commands/validate-sample.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ValidateSampleRequest, call: Call) => Promise<ValidateSampleResponse>;

export function validateSample(context: ExportContext): Handler {
  return async ({ schema, sampleJson }, { caller }) => {
    if (schema === undefined) {
      throw fieldInvalid("schema", "", "json_schema or dataset");
    }
    checkSample(sampleJson);
    const problems = await command.validateSample(context, caller.tenant, schema, sampleJson);
    return { valid: problems.length === 0, problems };
  };
}

function checkSample(sampleJson: string): void {
  if (sampleJson.length > limits.schema_sample_characters) {
    throw limitExceeded("schema_sample_characters", sampleJson.length, "The length of sample_json");
  }
  try {
    JSON.parse(sampleJson);
  } catch {
    throw fieldInvalid("sample_json", sampleJson, "JSON");
  }
}
