import { limits } from "../../kit/limits.ts";
import type { ArtifactFiles, ListedFile } from "../artifacts/artifact-store.ts";

/** Bytes of headers that inspections hold at once; parsed they take several times as much. */
export const roomBytes: number = 2 * limits.safetensors_header_bytes;

/** Files of so many bytes count as nothing but a header, so that it need not be looked up. */
const smallBytes = 1024 * 1024;

/** Room in memory for headers; who finds none waits until others end, in turn. */
export class HeaderRoom {
  #left = roomBytes;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];

  /** More than there is takes all of it. Give it back by disposing it. */
  async take(wanted: number): Promise<Disposable> {
    const bytes = Math.min(wanted, roomBytes);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, enter: resolve });
    this.#admit();
    await promise;
    return {
      [Symbol.dispose]: () => {
        this.#left += bytes;
        this.#admit();
      },
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.bytes <= this.#left; next = this.#waiting[0]) {
      this.#waiting.shift();
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
