import {
  type AdaptiveSampling,
  Environment,
  type OpenRunRequest,
} from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { isJsonObject } from "../../kit/json-object.ts";
import { limits } from "../../kit/limits.ts";
import { planInvalid } from "../plan/plan-errors.ts";

const DEFAULT_LEASE_SECONDS = 120;
const [LEAST_LEASE_SECONDS, MOST_LEASE_SECONDS] = [10, 86_400];
const MOST_EXPONENT = 8;
const MOST_WEIGHT = 64;

/** The lease asked for. Throws FIELD_INVALID. */
export function leaseSecondsOf({ leaseSeconds }: OpenRunRequest): number {
  const seconds = leaseSeconds || DEFAULT_LEASE_SECONDS;
  if (seconds < LEAST_LEASE_SECONDS || seconds > MOST_LEASE_SECONDS) {
    throw fieldInvalid("lease_seconds", String(leaseSeconds), `${LEAST_LEASE_SECONDS} to ${MOST_LEASE_SECONDS}`);
  }
  return seconds;
}

/** Throws PLAN_INVALID, FIELD_INVALID. */
export function checkRunPlan({ plan, adaptiveSampling }: OpenRunRequest): void {
  if (plan !== undefined && plan.epoch !== 0) {
    throw planInvalid("plan.epoch", `is ${plan.epoch}; expected 0, a run begins with its first epoch`);
  }
  if (adaptiveSampling === undefined) return;
  if (plan?.mixture !== undefined) {
    throw planInvalid("plan.mixture", "does not go together with adaptive sampling; name one source");
  }
  checkAdaptiveSampling(adaptiveSampling);
}

function checkAdaptiveSampling({ exponent = 1, minimum = 0.25, maximum = 4 }: AdaptiveSampling): void {
  if (!(exponent >= 0 && exponent <= MOST_EXPONENT)) {
    throw fieldInvalid("adaptive_sampling.exponent", String(exponent), `0 to ${MOST_EXPONENT}`);
  }
  if (!(minimum > 0 && minimum <= MOST_WEIGHT)) {
    throw fieldInvalid("adaptive_sampling.minimum", String(minimum), `above 0, at most ${MOST_WEIGHT}`);
  }
  if (!(maximum >= minimum && maximum <= MOST_WEIGHT)) {
    throw fieldInvalid("adaptive_sampling.maximum", String(maximum), `at least minimum, at most ${MOST_WEIGHT}`);
  }
}

/** Throws LIMIT_EXCEEDED, FIELD_INVALID. */
export function checkEnvironment(environment: Environment | undefined): void {
  if (environment === undefined) return;
  const bytes = encoded(Environment, environment).length;
  if (bytes > limits.run_environment_bytes) {
    throw limitExceeded("run_environment_bytes", bytes, "The size of the environment");
  }
  const { configurationJson } = environment;
  if (configurationJson !== "" && !isJsonObject(configurationJson)) {
    throw fieldInvalid("environment.configuration_json", configurationJson, "a JSON object, or nothing");
  }
}
