import { expect, test } from "vitest";
import { type AdapterVersion, AdapterVersion_State, Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { readMetadata, readRegistry, render } from "../../../test/support/documents.ts";
import { limits } from "../../kit/limits.ts";

/** As the source document has it. */
const example = `{
  "id": "steuerrecht-lora-r16-v1",
  "domain": ["steuerrecht"],
  "method": "lora",
  "rank": 16,
  "base_model_hash": "abc123",
  "metrics": {"ppl_dev": 7.1},
  "dataset_ref": "data/training_batches/steuer_202509.jsonl"
}`;

const imported = (text: string, baseUri = "") =>
  readRegistry(text, baseUri).map(({ version }) =>
    adapterVersion({ ...version, state: AdapterVersion_State.STATE_DECLARED }),
  );
const rendered = (...versions: AdapterVersion[]) => render(versions, Format.FORMAT_ADAPTER_REGISTRY).content;

test("the source document's entry is read; its hashes stay what they are: declared", () => {
  const [entry, ...others] = readRegistry(example);
  expect(others).toEqual([]);
  expect(entry?.version).toMatchObject({
    adapter: "steuerrecht-lora-r16-v1",
    domains: ["steuerrecht"],
    method: Method.METHOD_LORA,
    peft: { r: 16 },
    baseModel: undefined,
    metrics: { ppl_dev: 7.1 },
    artifact: undefined,
    declared: {
      id: "steuerrecht-lora-r16-v1",
      format: "adapter_registry",
      baseModelHash: "abc123",
      tokenizerHash: "",
      datasetReference: "data/training_batches/steuer_202509.jsonl",
    },
  });
});

test("a list as it is usually printed is written byte for byte", () => {
  const others =
    '{"id":"medizin-qlora-r8-v2","domain":"medizin","tokenizer_hash":"ff","score":1.50,"notes":{"__proto__":[1e2]}}';
  const text = `[\n${[example, others].map(indented).join(",\n")}\n]\n`;
  expect(rendered(...imported(text))).toBe(text);
});

test("an entry is written as it stands, whatever its form; the list is ours", () => {
  const first = '{"id": "a", "name": "M\\u00fcller [\\"x\\"], {", "10": 1, "2": [1.0, {"b": []}]}';
  const second = '{\n        "id": "b",\n        "tags": [\n            "x"\n        ]\n    }';
  const text = `[\n    ${first},\n    ${second}\n]`;
  const own = second.replaceAll("\n    ", "\n  ");
  expect(rendered(...imported(text))).toBe(`[\n  ${first},\n  ${own}\n]\n`);
  expect(rendered(...imported(second.replaceAll("\n    ", "\n")))).toBe(`[\n  ${own}\n]\n`);
  expect(rendered(...imported(`[${first},${first.replace("a", "c")}]`))).toBe(
    `[\n  ${first},\n  ${first.replace("a", "c")}\n]\n`,
  );
  expect(imported("[]")).toEqual([]);
});

test("white space takes no time", () => {
  const text = `[{"id": "a",\n${" ".repeat(limits.import_bytes / 2)}"b": 1}]`;
  expect(rendered(...imported(text))).toContain('"b": 1}\n]\n');
});

test("what a document of another format says of the data and the place is told", () => {
  const text = '{"adapter_id":"a","training":{"dataset_name":"laws"},"vllm":{"adapter_path":"/m/a"}}';
  const [entry] = readMetadata(text);
  const version = adapterVersion({ ...entry?.version, artifact: undefined });
  expect(JSON.parse(rendered(version))[0]).toMatchObject({ dataset_ref: "laws", path: "/m/a" });
});

test("what changed since is brought up to date, the rest stays", () => {
  const [version] = imported(example) as [AdapterVersion];
  const [entry] = JSON.parse(rendered({ ...version, metrics: { ppl_dev: 7.1, accuracy: 0.5 } }));
  expect(entry).toEqual({ ...JSON.parse(example), metrics: { ppl_dev: 7.1, accuracy: 0.5 } });
});

test("a hash that was declared is not replaced by the one that was found; what was not declared is added", () => {
  const [version] = imported(example) as [AdapterVersion];
  const { baseModel, servability } = adapterVersion();
  const [entry] = JSON.parse(rendered({ ...version, baseModel, servability }));
  expect(entry).toEqual({
    ...JSON.parse(example),
    base_model: "mistralai/Mistral-7B-v0.1",
    tokenizer_hash: "b".repeat(64),
  });
});

test("a registered version is an entry with its name as id", () => {
  expect(JSON.parse(rendered(adapterVersion()))).toEqual([
    {
      id: "legal-qa@3",
      domain: ["legal"],
      method: "lora",
      rank: 8,
      base_model: "mistralai/Mistral-7B-v0.1",
      base_model_hash: "a".repeat(64),
      tokenizer_hash: "b".repeat(64),
      metrics: { eval_loss: 1.25, perplexity: 7.1 },
      dataset_ref: "legal@2",
      path: `/data/artifacts/t1/${"d".repeat(64)}`,
    },
  ]);
});

test("an id that is a version's name is one of that adapter", () => {
  expect(imported(rendered(adapterVersion()))[0]).toMatchObject({
    adapter: "legal-qa",
    declared: { id: "legal-qa@3", baseModelHash: "a".repeat(64), datasetReference: "legal@2" },
  });
});

test("domain is a text or a list", () => {
  expect(imported('[{"id":"a","domain":"x"},{"id":"b","domain":["y","z"]}]').map(({ domains }) => domains)).toEqual([
    ["x"],
    ["y", "z"],
  ]);
});

test.each<[string, string, string]>([
  ["a text", '"entry"', "a list of entries"],
  ["no object", "[1]", "[0]"],
  ["no id", '[{"id":"a"},{"rank":8}]', "[1].id"],
  ["another method", '[{"id":"a","method":"ia3"}]', "[0].method"],
  ["a domain that is a number", '[{"id":"a","domain":[1]}]', "[0].domain"],
  ["a hash that is a number", '[{"id":"a","base_model_hash":1}]', "[0].base_model_hash"],
])("%s is refused by its place", (_, text, problem) => {
  expect(() => readRegistry(text)).toThrow(
    expect.objectContaining({ reason: "DOCUMENT_INVALID", message: expect.stringContaining(problem) }),
  );
});

test("import_entries", () => {
  const list = (length: number) => JSON.stringify(Array.from({ length }, (_, index) => ({ id: `a${index}` })));
  expect(readRegistry(list(limits.import_entries), "")).toHaveLength(limits.import_entries);
  expect(() => readRegistry(list(limits.import_entries + 1), "")).toThrow("import_entries");
});

test("import_bytes", () => {
  const padded = (bytes: number) => example + " ".repeat(bytes - example.length);
  expect(readRegistry(padded(limits.import_bytes), "")).toHaveLength(1);
  expect(() => readRegistry(padded(limits.import_bytes + 1), "")).toThrow("import_bytes");
});

test("import_depth", () => {
  const nested = (depth: number) => `[{"id":"a","deep":${"[".repeat(depth)}${"]".repeat(depth)}}]`;
  expect(readRegistry(nested(limits.import_depth - 2), "")).toHaveLength(1);
  expect(() => readRegistry(nested(limits.import_depth - 1), "")).toThrow("import_depth");
  expect(() => readRegistry(nested(1_000_000), "")).toThrow("import_depth");
});

/** An entry as `JSON.stringify(list, undefined, 2)` prints it, with numbers as they are. */
function indented(entry: string): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const exact = JSON.parse(entry, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? rawJSON(context?.source ?? "") : value,
  );
  return JSON.stringify(exact, undefined, 2).replaceAll(/^/gm, "  ");
}
