import { limits } from "../../kit/limits.ts";
import type { ArtifactFiles, ListedFile } from "../artifacts/artifact-store.ts";

/** Bytes of headers, of tokenizers and of base models' layers that inspections hold at once; parsed they take several times as much. */
export const roomBytes: number = 2 * limits.safetensors_header_bytes;

/** Files of so many bytes count as nothing but a header, so that it need not be looked up. */
const smallBytes = 1024 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** Room in memory for headers, tokenizers and layers; who finds none waits until others end, in turn. */
export class HeaderRoom {
  #left = roomBytes;
  /** In their order. */
  readonly #waiting = new Set<Waiting>();

  /** More than there is takes all of it. Give it back by disposing it. Rejects with the signal's reason where that is aborted before. */
  async take(wanted: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const bytes = Math.min(wanted, roomBytes);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { bytes, enter: resolve };
    const leave = () => {
      if (!this.#waiting.delete(waiting)) return;
      reject(signal.reason);
      this.#admit();
    };
    signal.addEventListener("abort", leave);
    this.#waiting.add(waiting);
    this.#admit();
    await promise.finally(() => signal.removeEventListener("abort", leave));
    return {
      [Symbol.dispose]: () => {
        this.#left += bytes;
        this.#admit();
      },
    };
  }

  #admit(): void {
    for (const next of this.#waiting) {
      if (next.bytes > this.#left) return;
      this.#waiting.delete(next);
      this.#left -= next.bytes;
      next.enter();
    }
  }
}

/** Bytes that the headers of all safetensors files take, at most. Rejects as `ArtifactFiles.read` does. */
export async function headerBytes(files: ArtifactFiles, listed: readonly ListedFile[]): Promise<number> {
  const lengths = listed
    .filter(({ path }) => path.endsWith(".safetensors"))
    .map(async ({ path, byteCount }) =>
      byteCount <= smallBytes ? Number(byteCount) : declaredLength(await files.read(path, 0, 8)),
    );
  return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
}

/** A longer one is refused before it is read. */
function declaredLength(beginning: Uint8Array): number {
  const length = Buffer.from(beginning).readBigUInt64LE();
  return length > BigInt(limits.safetensors_header_bytes) ? 0 : Number(length);
}
