import type { Statistics } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";

/** The counts alone: without examples and errors. */
export function withoutExamples(statistics: Statistics): Statistics {
  const rejects = statistics.rejects.map((reject) => ({ ...reject, examples: [] }));
  return { ...statistics, rejects, errors: [] };
}
