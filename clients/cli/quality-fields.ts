import { z } from "zod";
import type { Quality } from "../../proto/gen/loraloop/export/v1/dataset.ts";

/** Quality filters as dataset files and exporter configurations write them. */
export const qualityFields = z
  .strictObject({
    min_text_length: z.uint32().default(0),
    max_text_length: z.uint32().default(0),
    skip_empty_outputs: z.boolean().default(false),
    skip_duplicates: z.boolean().default(false),
  })
  .transform(
    (fields): Quality => ({
      minTextLength: fields.min_text_length,
      maxTextLength: fields.max_text_length,
      skipEmptyOutputs: fields.skip_empty_outputs,
      skipDuplicates: fields.skip_duplicates,
    }),
  );
