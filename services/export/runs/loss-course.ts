import type { MetricPoint } from "../../../proto/gen/loraloop/export/v1/run_service.ts";

/** The course of a metric: one point for so many steps. */
export interface Course {
  readonly points: readonly MetricPoint[];
  readonly stepsPerPoint: bigint;
}

const MAX_POINTS = 512;

/** The course with one point more. What came at this step or after it is replaced: the training has gone back. */
export function withPoint({ points, stepsPerPoint }: Course, point: MetricPoint): Course {
  const before = points.filter(({ step }) => step < point.step);
  return thinned({ points: [...before, point], stepsPerPoint });
}

/** The first point of each stretch; the stretches double until the points are few enough. */
function thinned({ points, stepsPerPoint }: Course): Course {
  const kept = points.filter(
    ({ step }, place) => place === 0 || step / stepsPerPoint !== (points[place - 1]?.step ?? 0n) / stepsPerPoint,
  );
  if (kept.length <= MAX_POINTS) return { points: kept, stepsPerPoint };
  return thinned({ points: kept, stepsPerPoint: stepsPerPoint * 2n });
}
