import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Share } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { all, close, headerOf, law, open, plan, samplesOf } from "../../../test/support/planned-samples.ts";
import { type StreamOptions, specSource } from "../../../test/support/samples.ts";

afterEach(close);

describe("what does not fit", () => {
  beforeEach(() => open("memory"));

  const share = (given: Partial<Share>): Share => ({ rank: 0, worldSize: 1, worker: 0, workerCount: 1, ...given });
  test.each<[string, typeof all | undefined, StreamOptions, string]>([
    [
      "a rank beyond the world",
      all,
      { plan: plan({ globalBatchSize: 4 }), share: share({ rank: 2, worldSize: 2 }) },
      "share.rank is 2; expected less than world_size (2)",
    ],
    ["a worker beyond its count", all, { plan: plan({}), share: share({ worker: 1 }) }, "share.worker is 1"],
    [
      "more ranks than samples of a batch",
      all,
      { plan: plan({ globalBatchSize: 2 }), share: share({ worldSize: 3 }) },
      "expected at most global_batch_size (2)",
    ],
    [
      "a last batch with fewer samples than ranks",
      all,
      { plan: plan({ globalBatchSize: 2999 }), share: share({ worldSize: 2 }) },
      "set drop_last",
    ],
    [
      "too many sources",
      undefined,
      { plan: plan({ mixture: { sources: Array.from({ length: 65 }, () => ({ source: law })) } }) },
      "mixture_sources (64)",
    ],
    [
      "huge blocks",
      undefined,
      { plan: plan({ globalBatchSize: 1_048_576, mixture: { sources: [{ source: law }], blockBatches: 2049 } }) },
      "mixture_block_samples (2147483648)",
    ],
    ["a huge batch", all, { plan: plan({ globalBatchSize: 2_000_000 }) }, "global_batch_samples (1048576)"],
    [
      "a mixture and a source",
      all,
      { plan: plan({ mixture: { sources: [{ source: law }] } }) },
      "source must be absent",
    ],
    ["an empty mixture", undefined, { plan: plan({ mixture: { sources: [] } }) }, "has 0 sources"],
    [
      "a source without samples",
      undefined,
      {
        plan: plan({
          mixture: {
            sources: [
              { source: law },
              {
                source: specSource({
                  collection: "docs",
                  format: "text",
                  selection: { conditions: [{ field: "theme", values: ["no"] }] },
                }),
              },
            ],
          },
        }),
      },
      "plan.mixture.sources[1] has no samples",
    ],
  ])("%s", async (_, source, options, problem) => {
    await expect(samplesOf(source, options)).rejects.toMatchObject({
      reason: "PLAN_INVALID",
      message: expect.stringContaining(problem),
    });
  });

  test("a resume point of another order is refused, one of another epoch goes on with its own", async () => {
    const header = await headerOf(all, { plan: plan({ shuffle: {}, epoch: 3 }) });
    const other = samplesOf(all, { plan: plan({ shuffle: {}, seed: 1n }), after: header, nextIndex: 0 });
    await expect(other).rejects.toMatchObject({ reason: "RESUME_OTHER_REQUEST" });
    const whole = await samplesOf(all, { plan: plan({ shuffle: {}, epoch: 3 }) });
    expect(await samplesOf(all, { plan: plan({ shuffle: {} }), after: header, nextIndex: 40 })).toEqual(
      whole.slice(40),
    );
    const beyond = samplesOf(all, { plan: plan({ shuffle: {} }), after: header, nextIndex: 3001 });
    await expect(beyond).rejects.toMatchObject({ reason: "RESUME_BEYOND_END" });
  });
});
