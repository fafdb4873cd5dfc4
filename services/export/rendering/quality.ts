import type { Quality } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { codePoints, isBlank } from "../../kit/text.ts";
import { type Rejection, reject } from "./rejection.ts";

/** Checks the output against the quality filters; duplicates are the builder's business. */
export function compileQuality(quality: Quality | undefined): (output: string) => Rejection | undefined {
  if (quality === undefined) {
    return () => undefined;
  }
  const { minTextLength, maxTextLength, skipEmptyOutputs } = quality;
  const checkLength = minTextLength > 0 || maxTextLength > 0;
  return (output) => {
    if (skipEmptyOutputs && isBlank(output)) {
      return reject(RejectReason.REJECT_REASON_EMPTY_OUTPUT, "Empty output");
    }
    if (!checkLength) {
      return undefined;
    }
    const length = codePoints(output);
    if (length < minTextLength) {
      return reject(RejectReason.REJECT_REASON_TEXT_TOO_SHORT, `Text too short (${length} chars)`);
    }
    return maxTextLength > 0 && length > maxTextLength
      ? reject(RejectReason.REJECT_REASON_TEXT_TOO_LONG, `Text too long (${length} chars)`)
      : undefined;
  };
}
