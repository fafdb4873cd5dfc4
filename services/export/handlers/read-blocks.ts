import type { ReadBlocksRequest, ReadBlocksResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { readBlocks as command } from "../commands/read-blocks.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ReadBlocksRequest, call: Call) => AsyncGenerator<ReadBlocksResponse>;

export function readBlocks(context: ExportContext): Handler {
  return async function* ({ snapshot, digests }, { caller, signal }) {
    if (digests.length === 0 || digests.length > limits.read_blocks) {
      throw fieldInvalid("digests", String(digests.length), `1 to read_blocks (${limits.read_blocks}) digests`);
    }
    yield* command(context, { tenant: caller.tenant, snapshot, digests, signal });
  };
}
