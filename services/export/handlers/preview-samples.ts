import type {
  PreviewSamplesRequest,
  PreviewSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import * as command from "../commands/preview-samples.ts";
import type { ExportContext } from "../context.ts";
import { resolveSource } from "../dataset/source.ts";

type Handler = (request: PreviewSamplesRequest, call: Call) => Promise<PreviewSamplesResponse>;

const defaultCount = 10;

export function previewSamples(context: ExportContext): Handler {
  return async ({ source, sampleCount }, { caller }) => {
    if (sampleCount < 0 || sampleCount > limits.preview_samples) {
      const expected = `0 to ${limits.preview_samples} (limit preview_samples)`;
      throw fieldInvalid("sample_count", String(sampleCount), expected);
    }
    const resolved = await resolveSource(context, caller.tenant, source);
    return command.previewSamples(context, caller.tenant, resolved, sampleCount || defaultCount);
  };
}
