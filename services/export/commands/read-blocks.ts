import { open } from "node:fs/promises";
import type { ReadBlocksResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { findSealed } from "../snapshot/sealed-snapshot.ts";
import { blockMissing, contentDamaged } from "../snapshot/snapshot-errors.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

export interface ReadBlocks {
  readonly tenant: TenantId;
  readonly snapshot: string;
  readonly digests: readonly Uint8Array[];
  readonly signal: AbortSignal;
}

const PIECE_BYTES = 262_144;

/** Whole blocks in pieces, in the order asked for. Throws SNAPSHOT_BUILDING, SNAPSHOT_FAILED, BLOCK_NOT_FOUND. */
export async function* readBlocks(context: ExportContext, command: ReadBlocks): AsyncGenerator<ReadBlocksResponse> {
  const { tenant, digests, signal } = command;
  const { key } = await findSealed(context, tenant, command.snapshot);
  using _use = context.snapshots.uses.open(tenant, key);
  const { blockDigests } = await context.snapshots.tables.open(tenant, key);
  const known = new Set(blockDigests.map(hexOf));
  const unknown = digests.map(hexOf).find((digest) => !known.has(digest));
  if (unknown !== undefined) throw blockNotFound(unknown, hexOf(key));
  for (const [block, digest] of digests.entries()) {
    for await (const piece of pieces(context.snapshots.blockPath(tenant, digest), key)) {
      signal.throwIfAborted();
      yield { block, ...piece };
    }
  }
}

async function* pieces(path: string, key: Uint8Array): AsyncGenerator<Omit<ReadBlocksResponse, "block">> {
  await using file = await open(path, "r").catch((error: Error) => {
    throw blockMissing(key, 0, error);
  });
  const { size } = await file.stat();
  for (let offset = 0; offset < size; offset += PIECE_BYTES) {
    const bytes = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - offset));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
    if (bytesRead !== bytes.length) throw contentDamaged(key, 0);
    yield { offset, bytes, blockBytes: size };
  }
}

function blockNotFound(block: string, snapshot: string): ServiceError {
  return new ServiceError("BLOCK_NOT_FOUND", `Snapshot ${snapshot} has no block ${block}.`, { block });
}
