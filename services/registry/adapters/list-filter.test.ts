import { expect, test } from "vitest";
import {
  Adapter,
  AdapterVersion,
  AdapterVersion_State as State,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { adapterFilter, versionFilter } from "./list-filter.ts";

const version = AdapterVersion.fromPartial({
  name: "tone@3",
  version: 3,
  state: State.STATE_QUARANTINED,
  baseModel: { name: "mistralai/Mistral-7B-v0.1" },
  peft: { maximumRank: 16, rankPattern: { maximumRank: 8 }, targetModules: ["q_proj"], parameterCount: 5_000_000_000n },
  provenance: { snapshots: [{ snapshot: "ab", revision: 9n }], packageVersions: { torch: "2" } },
  constraint: { constraint: { $case: "jsonSchema", value: "{}" } },
  servability: [{ engine: "vllm", servable: false, problems: ["no DoRA"] }],
  metrics: { eval_loss: 1.5 },
  metadata: { constructor: "own", createTime: "x" },
  domains: Array.from({ length: 50 }, (_, number) => `d${number}`),
  createTime: { seconds: 1_774_752_000n, nanos: 0 },
});

test.each([
  ['version.name == "tone@3" && version.version == 3 && version.state == "QUARANTINED"', true],
  ['version.base_model.name.startsWith("mistralai/") && version.peft.maximum_rank <= 16', true],
  ["version.peft.parameter_count > 4000000000", true],
  ["version.peft.rank_pattern.maximumRank == 8", true],
  ['version.provenance.snapshots.exists(one, one.snapshot == "ab" && one.revision == 9)', true],
  ['version.provenance.package_versions["torch"] == "2"', true],
  ['version.constraint.json_schema == "{}" && !has(version.constraint.pattern)', true],
  ['version.servability.exists(one, one.engine == "vllm" && !one.servable && "no DoRA" in one.problems)', true],
  ['version.metadata.constructor == "own" && version.metadata.createTime == "x"', true],
  ["version.create_time < timestamp('2027-01-01T00:00:00Z') && !has(version.delete_time)", true],
  ['version.metrics["eval_loss"] < 1.2', false],
  ['version.metrics["accuracy"] > 0.5', false],
  ['version.metrics["accuracy"] > 0.5 || "d7" in version.domains', true],
  ['version.name > 1 || version.task == "none"', false],
])("%s", (filter, expected) => {
  expect(versionFilter(filter)(version)).toBe(expected);
});

test.each([
  ["version.name ==", "cannot be read"],
  ["adapter.name == 'a'", 'names "adapter", but there are only version'],
  [`version.name == "${"x".repeat(limits.filter_bytes)}"`, "is longer than filter_bytes"],
  ["version.name", "it gives no bool"],
  ["version.domains.all(a, version.domains.all(b, a != b + 'x'))", "loops over more than filter_steps"],
])("%s is refused", (filter, problem) => {
  const evaluate = () => versionFilter(filter)(version);
  expect(evaluate).toThrow(ServiceError);
  expect(evaluate).toThrow(problem);
});

test("adapters are found by their aliases and metadata; no filter matches all", () => {
  const adapter = Adapter.fromPartial({ aliases: [{ alias: "production", version: 2 }], metadata: { team: "legal" } });
  const filter = 'adapter.metadata.team == "legal" && adapter.aliases.exists(one, one.alias == "production")';
  expect(adapterFilter(filter)(adapter)).toBe(true);
  expect(adapterFilter("")(adapter)).toBe(true);
});
