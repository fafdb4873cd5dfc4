import type { SampleSource } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { type ExpectedSnapshot, expectedSnapshot } from "./expected-snapshot.ts";
import { specSource, type TestRecord } from "./samples.ts";

/** 24 kB each: several blocks of few records. Every hundredth is a duplicate. */
export const bigRecords: readonly TestRecord[] = Array.from({ length: 1200 }, (_, n) => ({
  id: `r${String(n).padStart(5, "0")}`,
  fields: { text: `${n % 100 === 99 ? "same" : n} ${"lorem ".repeat(4000)}` },
}));

export const bigSource: SampleSource = specSource({
  collection: "docs",
  format: "text",
  quality: { skipDuplicates: true },
});

export const bigExpected: ExpectedSnapshot = expectedSnapshot(
  bigRecords.map(({ id, fields }) => ({ id, line: JSON.stringify({ text: fields["text"] }) })),
  true,
);
