import { createHash } from "node:crypto";
import type {
  DeepPartial,
  ReadBlocksRequest,
  ReadBlocksResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { ConnectionError, RpcError, TruncatedStreamError } from "./errors.ts";
import { Backoff } from "./retry.ts";

export type OpenBlocks = (
  request: DeepPartial<ReadBlocksRequest>,
  options: { signal: AbortSignal },
) => AsyncIterable<ReadBlocksResponse>;

export interface BlockReaderOptions {
  readonly signal: AbortSignal;
  readonly reconnectSeconds: number;
}

/** Reads whole blocks of the snapshots of a plan, and checks them. */
export class BlockReader {
  readonly #open: OpenBlocks;
  readonly #options: BlockReaderOptions;
  #snapshots: readonly string[];

  constructor(open: OpenBlocks, snapshots: readonly string[], options: BlockReaderOptions) {
    this.#open = open;
    this.#snapshots = snapshots;
    this.#options = options;
  }

  /** @param digest SHA-256 of the block */
  async read(digest: Uint8Array): Promise<Uint8Array> {
    const backoff = new Backoff(this.#options.reconnectSeconds, this.#options.signal);
    while (true) {
      try {
        return await this.#find(digest, backoff);
      } catch (error) {
        await backoff.wait(error);
      }
    }
  }

  /** A plan of several snapshots does not say which of them has the block: the last one that had one is asked first. */
  async #find(digest: Uint8Array, backoff: Backoff): Promise<Uint8Array> {
    const snapshots = this.#snapshots;
    for (const [place, snapshot] of snapshots.entries()) {
      try {
        const block = await this.#readFrom(snapshot, digest, backoff);
        this.#snapshots = [snapshot, ...snapshots.filter((other) => other !== snapshot)];
        return block;
      } catch (error) {
        const elsewhere = error instanceof RpcError && error.reason === "BLOCK_NOT_FOUND";
        if (!elsewhere || place === snapshots.length - 1) throw error;
      }
    }
    throw new TruncatedStreamError("The stream refers to blocks but names no snapshot.");
  }

  async #readFrom(snapshot: string, digest: Uint8Array, backoff: Backoff): Promise<Uint8Array> {
    const { signal } = this.#options;
    let block = Buffer.alloc(0);
    let received = 0;
    for await (const piece of this.#open({ snapshot, digests: [digest] }, { signal })) {
      if (received === 0) block = Buffer.allocUnsafeSlow(piece.blockBytes);
      if (piece.offset !== received || received + piece.bytes.length > block.length) {
        throw new TruncatedStreamError(`A piece of a block came at ${piece.offset}, not at ${received}.`);
      }
      block.set(piece.bytes, received);
      received += piece.bytes.length;
      backoff.progress();
    }
    if (received < block.length || received === 0) throw new ConnectionError("The server ended the block early.");
    if (!createHash("sha256").update(block).digest().equals(digest)) {
      throw new TruncatedStreamError(`Block ${Buffer.from(digest).toString("hex")} came with other bytes.`);
    }
    return block;
  }
}
