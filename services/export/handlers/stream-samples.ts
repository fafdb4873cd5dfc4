import {
  Compression,
  Delivery,
  type StreamSamplesRequest,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { streamSamples as command } from "../commands/stream-samples.ts";
import type { ExportContext } from "../context.ts";
import type { StreamFrame } from "../stream/encode-frame.ts";

type Handler = (request: StreamSamplesRequest, call: Call) => AsyncGenerator<StreamFrame>;

export function streamSamples(context: ExportContext): Handler {
  return (request, { caller, signal, drain }) => {
    const { source, plan, runEpoch, share, delivery, compression, resume, batchSize } = request;
    if (source?.source === undefined && plan?.mixture === undefined && runEpoch === undefined) {
      throw fieldInvalid("source", "", "a dataset, a spec or a snapshot");
    }
    checkEnum("delivery", Delivery, delivery);
    checkEnum("compression", Compression, compression);
    if (delivery === Delivery.DELIVERY_REFERENCES && compression === Compression.COMPRESSION_ZSTD) {
      throw fieldInvalid("compression", "COMPRESSION_ZSTD", "none with DELIVERY_REFERENCES, which sends no lines");
    }
    const maxSamples = batchSize === 0 ? Number.POSITIVE_INFINITY : batchSize;
    const asked = { request: { source, plan, runEpoch }, share, delivery, compression, resume };
    return command(context, { ...asked, tenant: caller.tenant, maxSamples, signal, drain });
  };
}

function checkEnum(field: string, values: Readonly<Record<string, number>>, value: number): void {
  if (!Object.values(values).includes(value)) throw fieldInvalid(field, String(value), "a value of its enum");
}
