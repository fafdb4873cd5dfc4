import { type ArtifactFiles, type ListedFile, PIECE_BYTES } from "./artifact-store.ts";

/**
 * The same files for several readers, who all see one list and one content of a small file: making the list reads the beginning of each file. Small
 * files are read together, as soon as one of them is wanted.
 * @param known the list, where there is one already
 */
export function readOnce(files: ArtifactFiles, known?: readonly ListedFile[]): ArtifactFiles {
  let listed = known && Promise.resolve(known);
  const list = (): Promise<readonly ListedFile[]> => {
    listed ??= files.list();
    return listed;
  };
  let small: Promise<ReadonlyMap<string, Promise<Uint8Array>>> | undefined;
  const smallFile = async (path: string): Promise<Uint8Array | undefined> => {
    small ??= list().then((all) => readTogether(files, all));
    return (await small).get(path);
  };
  return {
    list,
    async read(path, offset, length) {
      const bytes = await smallFile(path);
      if (bytes === undefined || offset + length > bytes.length) return files.read(path, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async *stream(path) {
      const bytes = await smallFile(path);
      if (bytes === undefined) yield* files.stream(path);
      else if (bytes.length > 0) yield new Uint8Array(bytes);
    },
  };
}

/** All bytes of a file; one that is longer than it should be is broken off after that. */
async function wholeFile(files: ArtifactFiles, path: string, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of files.stream(path)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > length) break;
  }
  return Buffer.concat(pieces);
}

/** Files of one piece, as many as fit into four together. */
function readTogether(files: ArtifactFiles, listed: readonly ListedFile[]): Map<string, Promise<Uint8Array>> {
  const reads = new Map<string, Promise<Uint8Array>>();
  let left = 4 * PIECE_BYTES;
  for (const { path, byteCount } of listed) {
    const length = Number(byteCount);
    if (length > Math.min(PIECE_BYTES, left)) continue;
    left -= length;
    const read = wholeFile(files, path, length);
    // Whoever wants it hears of it.
    read.catch(() => undefined);
    reads.set(path, read);
  }
  return reads;
}
