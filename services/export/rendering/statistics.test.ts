import { expect, test } from "vitest";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { StatisticsBuilder } from "./statistics.ts";

const missing = RejectReason.REJECT_REASON_MISSING_FIELD;
const short = RejectReason.REJECT_REASON_TEXT_TOO_SHORT;

function filled(builder: StatisticsBuilder): StatisticsBuilder {
  for (let index = 0; index < 7; index += 1) {
    builder.scanned();
    builder.rejected(`s${index}`, short, "Text too short (5 chars)");
  }
  builder.scanned();
  builder.rejected("qa_123", missing, "Missing required field 'output'");
  builder.scanned();
  builder.dropped(1);
  builder.scanned();
  builder.sample(10, 25, true);
  return builder;
}

test("counts, examples and errors", () => {
  const statistics = filled(new StatisticsBuilder(["a", "b"])).toMessage();
  expect(statistics).toMatchObject({
    scannedCount: 10n,
    selectedCount: 9n,
    sampleCount: 1n,
    failedCount: 8n,
    lineBytes: 10n,
    outputBytes: 25n,
    schemaInvalidKeptCount: 1n,
    dropped: [
      { condition: "a", count: 0n },
      { condition: "b", count: 1n },
    ],
    hint: "",
  });
  expect(statistics.rejects.map(({ reason, count, examples }) => [reason, count, examples.length])).toEqual([
    [missing, 1n, 1],
    [short, 7n, 5],
  ]);
  expect(statistics.errors.at(-1)).toBe("Entity qa_123: Missing required field 'output'");
});

test("goes on where a message stopped", () => {
  const once = filled(new StatisticsBuilder(["a", "b"])).toMessage();
  const twice = filled(filled(new StatisticsBuilder(["a", "b"]))).toMessage();
  expect(filled(StatisticsBuilder.from(once)).toMessage()).toEqual(twice);
});

test("keeps the first 1,000 errors", () => {
  const builder = new StatisticsBuilder([]);
  for (let index = 0; index <= 1_000; index += 1) {
    builder.rejected(String(index), short, "x");
  }
  expect(builder.toMessage().errors).toHaveLength(1_000);
  expect(builder.toMessage().errors.at(-1)).toBe("Entity 999: x");
});

test("a hint names what removed everything", () => {
  const empty = new StatisticsBuilder(['theme = "law"', "record.n > 1.0"]);
  expect(empty.toMessage().hint).toBe("No samples: no record was read; is the collection empty?");
  for (const condition of [0, 1, 1]) {
    empty.scanned();
    empty.dropped(condition);
  }
  expect(empty.toMessage().hint).toBe("No samples: the condition record.n > 1.0 dropped 2 of 3 records.");
  const rejected = new StatisticsBuilder([]);
  rejected.scanned();
  rejected.rejected("qa_1", missing, "Missing required field 'output'");
  expect(rejected.toMessage().hint).toBe(
    "No samples: all 1 record failed alike, the first (qa_1) with: Missing required field 'output'.",
  );
});
