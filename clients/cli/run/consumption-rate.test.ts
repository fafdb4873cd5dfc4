import { expect, test } from "vitest";
import { Run } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { ConsumptionRate, consumedSamples } from "./consumption-rate.ts";

function runAt(seconds: number, nextIndex: number, epoch = 0): Run {
  return Run.fromPartial({
    updateTime: { seconds: BigInt(seconds), nanos: 0 },
    epochs: [
      { epoch: 0, sampleCount: 100n },
      { epoch: 1, sampleCount: 90n },
    ],
    consumed: { epoch, nextIndex: BigInt(nextIndex), step: 1n },
  });
}

test("samples of earlier epochs count, each with its own number", () => {
  expect(consumedSamples(runAt(0, 7))).toBe(7);
  expect(consumedSamples(runAt(0, 7, 2))).toBe(197);
});

test("the rate is that of the last minute", () => {
  const rate = new ConsumptionRate();
  expect(rate.update(runAt(0, 0))).toBeUndefined();
  expect(rate.update(runAt(10, 50))).toBe(5);
  // A heartbeat in between says nothing new.
  expect(rate.update(runAt(15, 50))).toBe(5);
  expect(rate.update(runAt(20, 0, 1))).toBe(5);
  expect(rate.update(runAt(80, 60, 1))).toBe(1);
});

test("a training that has gone back begins anew", () => {
  const rate = new ConsumptionRate();
  rate.update(runAt(0, 40));
  rate.update(runAt(10, 80));
  expect(rate.update(runAt(20, 40))).toBeUndefined();
  expect(rate.update(runAt(30, 60))).toBe(2);
});
