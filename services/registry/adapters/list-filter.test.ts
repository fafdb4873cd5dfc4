import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import {
  Adapter,
  AdapterVersion,
  AdapterVersion_State as State,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { FieldType } from "../../kit/filter/field-types.ts";
import { limits } from "../../kit/limits.ts";
import { snakeCase } from "../../kit/snake-case.ts";
import { versionFields } from "./filter-fields.ts";
import { adapterFilter, versionFilter } from "./list-filter.ts";
import { listedVersion } from "./shown-version.ts";

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
  ['version.metrics.exists(name, name == "eval_loss") && !("x" in version.metadata)', true],
  ['version.metadata.constructor.size() == 3 && version["task"] == ""', true],
  ['version.servability.filter(one, one.servable).all(one, one.engine == "vllm")', true],
  ['version.servability.map(one, one.problems)[0][0] == "no DoRA"', true],
  ['version.servability.exists_one(version, version.engine == "vllm")', true],
  ["(version.version == 3 ? version.peft : version.provenance).maximum_rank == 16", true],
  ['[version.base_model][0].name != "" && [].all(one, one.anything)', true],
  ["version.create_time.getFullYear() == 2026", true],
])("%s", (filter, expected) => {
  expect(versionFilter(filter)(version)).toBe(expected);
});

test.each([
  ["version.name ==", "cannot be read"],
  ["adapter.name == 'a'", 'names "adapter", but there are only version'],
  [`version.name == "${"x".repeat(limits.filter_bytes)}"`, "is longer than filter_bytes"],
  ["version.name", "it gives no bool"],
  ['version.metricz["a"] > 1', 'names "version.metricz", which does not exist; "version.metrics" does'],
  ["has(version.baseModel)", 'names "version.baseModel", which does not exist; "version.base_model" does'],
  ['version["stat"] == "READY"', 'names "version.stat", which does not exist; "version.state" does'],
  ["version.peft.rank > 8", 'names "version.peft.rank", but version.peft has only r, lora_alpha, rank_pattern, '],
  ["version.constraint.constraint == ''", "version.constraint has only json_schema, pattern, grammar"],
  ["version.name.first == ''", 'names "version.name.first", but version.name has no fields'],
  ["version.servability.engine == ''", "but version.servability has no fields"],
  ["version.servability[0].enginee == ''", 'names "version.servability[…].enginee"'],
  [
    "version.servability.exists(one, one.serveable)",
    'names "one.serveable", which does not exist; "one.servable" does',
  ],
  ["version.servability.filter(one, one.servable).exists(one, one.engin == '')", '"one.engine" does'],
  ["version.provenance.snapshots.map(one, one.snapshot).exists(key, key.x == '')", "but key has no fields"],
  ["version.domains.exists(one, one == version.lable)", '"version.label" does'],
  ["version.peft.layers.size() > 0", 'names "version.peft.layers", which lists leave blank'],
  ['version.peft.configuration_json.contains("q_proj")', "which lists leave blank"],
  ["version.artifact.files.exists(one, one.path == 'a')", 'names "version.artifact.files", which lists leave blank'],
  ["has(version.provenance.training.configuration_json)", "which lists leave blank"],
  ["version.signature.bundle_json != ''", "which lists leave blank"],
  ["version.declared.document != ''", "which lists leave blank"],
  ["version.peft.layer == 1", "but version.peft has only"],
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

test("a filter over adapters names fields that they have", () => {
  expect(() => adapterFilter('adapter.labels.team == "legal"')).toThrow("but adapter has only name, description, ");
  expect(() => adapterFilter("adapter.aliases.exists(one, one.alais == 'a')")).toThrow('"one.alias" does');
});

test("filters see of a version all fields that lists have, and call the others blank", () => {
  const whole = AdapterVersion.fromPartial({
    peft: { configurationJson: "{}", layers: ["q_proj"] },
    artifact: { files: [{ path: "a" }] },
    provenance: { training: { configurationJson: "{}" } },
    signature: { bundleJson: "{}" },
    declared: { document: "{}" },
  });
  expect(blankedPaths("version", whole, listedVersion(whole)).toSorted()).toEqual(blankTypes("version", versionFields));
});

function blankedPaths(path: string, whole: unknown, listed: unknown): string[] {
  if (typeof whole !== "object" || whole === null || Array.isArray(whole)) {
    return isDeepStrictEqual(whole, listed) ? [] : [path];
  }
  const shown = listed as Record<string, unknown>;
  return Object.entries(whole).flatMap(([name, value]) =>
    blankedPaths(`${path}.${snakeCase(name)}`, value, shown[name]),
  );
}

function blankTypes(path: string, type: FieldType): string[] {
  if (type.kind === "blank") return [path];
  return type.kind === "message"
    ? [...type.fields].flatMap(([name, field]) => blankTypes(`${path}.${name}`, field)).toSorted()
    : [];
}
