import type { ArtifactFiles, ListedFile } from "./artifact-store.ts";

/**
 * The same files for several readers, who all see one list: making it reads the beginning of each file.
 * @param known the list, where there is one already
 */
export function listedOnce(files: ArtifactFiles, known?: readonly ListedFile[]): ArtifactFiles {
  let listed = known && Promise.resolve(known);
  return {
    list() {
      listed ??= files.list();
      return listed;
    },
    read: (path, offset, length) => files.read(path, offset, length),
    stream: (path) => files.stream(path),
  };
}
