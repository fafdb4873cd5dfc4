import type { TransferProgress } from "../../typescript/src/index.ts";
import { Progress } from "../progress.ts";

/** Shows how far a transfer of files is while it works, once there is something to show. */
export async function withTransferBar<T>(
  label: string,
  work: (onProgress: (progress: TransferProgress) => void) => Promise<T>,
): Promise<T> {
  let bar: Progress | undefined;
  try {
    return await work(({ doneBytes, totalBytes }) => {
      bar ??= new Progress(label, totalBytes, "bytes");
      bar.update(doneBytes, doneBytes);
    });
  } finally {
    bar?.[Symbol.dispose]();
  }
}
