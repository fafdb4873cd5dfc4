import type { ArtifactFiles, ListedFile } from "./artifact-store.ts";

/** The same files for several readers, who all see one list: making it reads the beginning of each file. */
export function listedOnce(files: ArtifactFiles): ArtifactFiles {
  let listed: Promise<readonly ListedFile[]> | undefined;
  return {
    list() {
      listed ??= files.list();
      return listed;
    },
    read: (path, offset, length) => files.read(path, offset, length),
    stream: (path) => files.stream(path),
  };
}
