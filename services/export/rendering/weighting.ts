import type { Weighting } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { WeightExplanation } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { codePoints } from "../../kit/text.ts";
import type { Micros } from "../../store/store.ts";
import { compilePath, type Fields, type PathReader } from "./path.ts";
import { Rejection, reject, shown } from "./rejection.ts";
import { compileTime, type TimeReader } from "./time-field.ts";
import { weightMicrosOf } from "./weight-text.ts";

const microsPerDay = 86_400_000_000;

export interface Weigher {
  /** The weight in 10⁻⁶. */
  weigh(fields: Fields, record: StoredRecord, output: string): number | Rejection;
  explain(fields: Fields, record: StoredRecord, output: string): WeightExplanation | Rejection;
}

/** weight = explicit × length factor × freshness factor, multiplied as doubles in this order. */
export function compileWeighting(weighting: Weighting, asOf: Micros): Weigher {
  const readExplicit = compileExplicit(weighting);
  const readFreshness = compileFreshness(weighting, asOf);

  function explain(fields: Fields, record: StoredRecord, output: string): WeightExplanation | Rejection {
    const explicit = readExplicit(fields);
    if (explicit instanceof Rejection) {
      return explicit;
    }
    const freshness = readFreshness(fields, record);
    if (freshness instanceof Rejection) {
      return freshness;
    }
    const length = codePoints(output);
    const lengthFactor = weighting.autoWeightByLength ? 1 + Math.min(0.5, length / 2000) : 1;
    return { ...explicit, lengthFactor, length, ...freshness };
  }

  return {
    explain,
    weigh(fields, record, output) {
      const factors = explain(fields, record, output);
      if (factors instanceof Rejection) {
        return factors;
      }
      const weight = factors.explicit * factors.lengthFactor * factors.freshnessFactor;
      return (
        weightMicrosOf(weight) ??
        reject(RejectReason.REJECT_REASON_WEIGHT_INVALID, `Weight ${weight} is outside 0 to 4000`)
      );
    },
  };
}

interface Explicit {
  readonly explicit: number;
  readonly defaulted: boolean;
}

function compileExplicit(weighting: Weighting): (fields: Fields) => Explicit | Rejection {
  const path = weighting.weightField;
  const missing: Explicit = { explicit: weighting.defaultWeight ?? 1, defaulted: true };
  const read: PathReader = path === "" ? () => undefined : compilePath(path);
  return (fields) => {
    const value = read(fields);
    if (value === undefined || value === null) {
      return missing;
    }
    if (typeof value !== "number") {
      return reject(RejectReason.REJECT_REASON_WEIGHT_INVALID, `Weight field '${path}' is no number: ${shown(value)}`);
    }
    return { explicit: value, defaulted: false };
  };
}

interface FreshnessFactor {
  readonly freshnessFactor: number;
  readonly ageDays: number;
}

function compileFreshness(
  weighting: Weighting,
  asOf: Micros,
): (fields: Fields, record: StoredRecord) => FreshnessFactor | Rejection {
  const off: FreshnessFactor = { freshnessFactor: 1, ageDays: 0 };
  if (weighting.freshness === undefined) {
    return () => off;
  }
  const { timestampField, maxBonus = 0.5, windowDays = 365 } = weighting.freshness;
  const readTime: TimeReader = compileTime(timestampField);
  const windowMicros = windowDays * microsPerDay;
  return (fields, record) => {
    const time = readTime(fields) ?? record.createTimeMicros;
    if (typeof time !== "bigint") {
      return time;
    }
    const age = time >= asOf ? 0 : Number(asOf - time);
    return { freshnessFactor: 1 + maxBonus * Math.max(0, 1 - age / windowMicros), ageDays: age / microsPerDay };
  };
}
