import { at, fieldsOf, rendererOf, storedRecord } from "./rendering-fixture.ts";

/** Run by purity.test.ts under different environments: prints outcomes that would differ if anything read them. */
const renderer = rendererOf(
  {
    format: "instruction",
    mapping: fieldsOf({ instruction: "i", output: "o" }),
    selection: {
      timeRange: { field: "date", startTime: { seconds: 1_774_742_400n, nanos: 0 } },
      filter: "create_time.getHours() == 2 && record.o.contains('I')",
    },
    weighting: { weightField: "w", autoWeightByLength: true, freshness: { timestampField: "date" } },
    metadataFields: ["number", "date"],
  },
  at("2026-07-01T00:00:00Z"),
);
// 02:30 on the day when Berlin's clocks skip that hour.
const createTimeMicros = at("2026-03-29T02:30:00Z");
const outcomes = ["2026-03-29", "2026-03-29T02:30:00", "2026-03-28T23:59:59Z"].map((date) =>
  renderer.render("r", storedRecord({ i: "İ ı", o: "IIı", w: 0.3, number: 1234567.891, date }, { createTimeMicros })),
);
process.stdout.write(JSON.stringify(outcomes));
