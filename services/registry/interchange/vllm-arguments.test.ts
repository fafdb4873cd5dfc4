import { describe, expect, test } from "vitest";
import { type AdapterVersion, AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { checkPathTemplate } from "./version-path.ts";
import { vllmArguments } from "./vllm-arguments.ts";

const ranked = (rank: number) => [{ engine: "vllm", servable: true, minimumMaxLoraRank: rank }];

test("a module a version, the least legal rank for all, a slot for each", () => {
  const versions = [
    adapterVersion({ servability: ranked(8) }),
    adapterVersion({ adapter: "medizin", version: 1, name: "medizin@1", servability: ranked(64) }),
  ];
  expect(vllmArguments(versions, "/models/{layout}")).toBe(
    [
      "--enable-lora",
      "--lora-modules",
      "legal-qa@3=/models/adapters/legal/lora-r8-v3",
      "medizin@1=/models/adapters/legal/lora-r8-v1",
      "--max-lora-rank",
      "64",
      "--max-loras",
      "2",
      "",
    ].join("\n"),
  );
});

test.each(["/models/{layout}", "/models/same"])("two versions in one folder, by %s, are refused", (template) => {
  const versions = ["a", "b"].map((adapter) =>
    adapterVersion({ adapter, version: 1, name: `${adapter}@1`, artifact: { digest: adapter } }),
  );
  expect(() => vllmArguments(versions, template)).toThrow(/path_template.*different folders for a@1 and b@1/);
  const same = versions.map((version) => ({ ...version, artifact: versions[0]?.artifact }));
  expect(vllmArguments(same, template)).toContain("b@1=/models/");
});

test("the source document's line, with its own path", () => {
  const version = adapterVersion({ adapter: "legal-qa-v1", version: 1, name: "legal-qa-v1@1" });
  expect(vllmArguments([version], "/models/adapters/{adapter}")).toContain(
    "legal-qa-v1@1=/models/adapters/legal-qa-v1\n",
  );
});

test("without a template the files are where the registry has them", () => {
  const uri = "file:///data/my%20adapters/t1/d";
  expect(vllmArguments([adapterVersion({ artifact: { uri } })], "")).toContain("legal-qa@3=/data/my adapters/t1/d\n");
});

test.each(["/a=b/{name}", "/a,b/{name}"])("a path like %s is written as JSON, as vLLM reads it", (template) => {
  const line = vllmArguments([adapterVersion()], template).split("\n")[2] ?? "";
  expect(JSON.parse(line)).toEqual({ name: "legal-qa@3", path: template.replace("{name}", "legal-qa@3") });
});

test("the same version twice is one module", () => {
  expect(vllmArguments([adapterVersion(), adapterVersion()], "/m/{name}")).toContain("--max-loras\n1\n");
});

describe("what vLLM cannot serve is refused", () => {
  const { STATE_DECLARED, STATE_QUARANTINED, STATE_DELETED } = AdapterVersion_State;
  test.each<[string, Partial<AdapterVersion>, string]>([
    ["declared", { state: STATE_DECLARED }, "DECLARED"],
    ["quarantined", { state: STATE_QUARANTINED }, "QUARANTINED"],
    ["deleted", { state: STATE_DELETED }, "DELETED"],
  ])("%s", (_, change, state) => {
    expect(() => vllmArguments([adapterVersion(), adapterVersion({ name: "other@1", ...change })], "/m")).toThrow(
      expect.objectContaining({ reason: "VERSION_NOT_SERVABLE", metadata: expect.objectContaining({ state }) }),
    );
  });

  test("DoRA, with the reason that registration found", () => {
    const servability = [{ engine: "vllm", servable: false, problems: ["vLLM has no DoRA"], minimumMaxLoraRank: 0 }];
    expect(() => vllmArguments([adapterVersion({ servability })], "/m")).toThrow(
      expect.objectContaining({
        reason: "VERSION_NOT_SERVABLE",
        metadata: expect.objectContaining({ engine: "vllm", problem: "vLLM has no DoRA" }),
      }),
    );
  });

  test("versions of two base models", () => {
    const other = adapterVersion({ name: "other@1", baseModel: { name: "llama", revision: "main" } });
    expect(() => vllmArguments([adapterVersion(), other], "/m")).toThrow("other@1 of llama@main");
  });

  test("files that lie in object storage, without a template", () => {
    const version = adapterVersion({ artifact: { uri: "s3://bucket/d" } });
    expect(() => vllmArguments([version], "")).toThrow("which lie at s3://bucket/d");
    expect(vllmArguments([version], "/m")).toContain("legal-qa@3=/m\n");
  });
});

test.each(["/m/{nam}", "/m/{}", "/m/{na-me}", "/m/{name", "/m/{{name}}", "/m\n--trust-remote-code", "/m\u0000"])(
  "a template %j is refused",
  (template) => {
    expect(() => checkPathTemplate(template)).toThrow(expect.objectContaining({ reason: "FIELD_INVALID" }));
  },
);
