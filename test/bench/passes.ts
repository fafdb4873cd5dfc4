import type { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { StreamSamplesRequest } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { ask } from "./child.ts";
import type { Drop } from "./clients/drop.ts";
import type { Server } from "./server.ts";

/** Streams a dataset that was never streamed before into a client that drops it; then removes its snapshot. Milliseconds from call to footer. */
export async function firstPass(server: Server, spec: DatasetSpec): Promise<number> {
  const [drop] = await dropStream(server, { source: { $case: "spec", value: spec } }, 1);
  const { snapshots } = await server.client.export.listSnapshots({ pageSize: 1 });
  await server.client.export.deleteSnapshot({ snapshot: snapshots[0]?.key ?? "" });
  return drop?.millis ?? Number.NaN;
}

/** Streams a source into a drop client of its own, several times over one connection. `file` records the frames. */
export async function dropStream(
  { address, token }: { readonly address: string; readonly token: string },
  source: NonNullable<Parameters<typeof StreamSamplesRequest.fromPartial>[0]>["source"],
  repeat: number,
  file?: string,
): Promise<readonly Drop[]> {
  const request = Buffer.from(StreamSamplesRequest.encode(StreamSamplesRequest.fromPartial({ source })).finish());
  const given = [address, token, String(repeat), request.toString("base64"), ...(file === undefined ? [] : [file])];
  const { drops } = await ask<{ drops: readonly Drop[] }>("test/bench/clients/drop.ts", given);
  return drops;
}

/** Seals a snapshot that stays; returns its key. */
export async function sealedSnapshot({ client }: Server, spec: DatasetSpec): Promise<string> {
  const { key } = await client.buildSnapshot({ source: { $case: "spec", value: spec } });
  return key;
}
