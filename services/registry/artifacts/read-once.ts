import { type ArtifactFiles, type ListedFile, PIECE_BYTES } from "./artifact-store.ts";

/**
 * The same files for several readers, who all see one list and one content of a small file: making the list reads the beginning of each file.
 * @param known the list, where there is one already
 */
export function readOnce(files: ArtifactFiles, known?: readonly ListedFile[]): ArtifactFiles {
  let listed = known && Promise.resolve(known);
  const list = (): Promise<readonly ListedFile[]> => {
    listed ??= files.list();
    return listed;
  };
  const whole = new Map<string, Uint8Array>();
  return {
    list,
    async read(path, offset, length) {
      const bytes = await files.read(path, offset, length);
      const file = (await list()).find((one) => one.path === path);
      if (offset === 0 && file?.byteCount === BigInt(length) && length <= PIECE_BYTES) whole.set(path, bytes);
      return bytes;
    },
    async *stream(path) {
      const bytes = whole.get(path);
      if (bytes === undefined) yield* files.stream(path);
      else if (bytes.length > 0) yield bytes;
    },
  };
}
