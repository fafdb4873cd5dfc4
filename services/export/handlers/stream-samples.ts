import type { StreamSamplesRequest } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { streamSamples as command } from "../commands/stream-samples.ts";
import type { ExportContext } from "../context.ts";
import type { StreamFrame } from "../stream/encode-frame.ts";

type Handler = (request: StreamSamplesRequest, call: Call) => AsyncGenerator<StreamFrame>;

export function streamSamples(context: ExportContext): Handler {
  return async function* ({ source, resume, batchSize }, { caller, signal, drain }) {
    if (source?.source === undefined) throw fieldInvalid("source", "", "a dataset, a spec or a snapshot");
    const maxSamples = batchSize === 0 ? Number.POSITIVE_INFINITY : batchSize;
    yield* command(context, { tenant: caller.tenant, source, resume, maxSamples, signal, drain });
  };
}
