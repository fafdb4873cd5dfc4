import fc from "fast-check";
import { expect, test } from "vitest";
import { type AdapterVersion, AdapterVersion_State, Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { adapterVersion } from "../../../test/support/adapter-version.ts";
import { readMetadata, readRegistry, render } from "../../../test/support/documents.ts";
import type { ImportedEntry } from "./read-document.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 }).map((value) => value.replaceAll("\0", ""));
const someText = text.filter((value) => value !== "");
const name = fc.stringMatching(/^[a-z0-9]([a-z0-9_.-]{0,20}[a-z0-9])?$/);
const metric = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_./-]{0,20}$/);
const key = someText.filter((value) => value !== "__proto__");
const size = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

const peft = fc.record({
  r: fc.integer({ min: 1, max: 512 }),
  loraAlpha: size,
  loraDropout: size,
  targetModules: fc.array(someText, { minLength: 1, maxLength: 4 }),
  useRslora: fc.boolean(),
  useDora: fc.boolean(),
  rankPattern: fc.dictionary(key, fc.integer({ min: 1, max: 512 }), { maxKeys: 3 }),
  alphaPattern: fc.dictionary(key, size, { maxKeys: 3 }),
  modulesToSave: fc.array(someText, { maxLength: 2 }),
});

const registered = fc
  .record({
    adapter: name,
    version: fc.integer({ min: 1, max: 1e6 }),
    label: someText,
    method: fc.constantFrom(Method.METHOD_LORA, Method.METHOD_QLORA, Method.METHOD_DORA),
    baseModel: fc.record({ name: someText, weightsDigest: text, tokenizerDigest: text }),
    task: text,
    domains: fc.array(someText, { maxLength: 4 }),
    language: text,
    creator: text,
    metrics: fc.dictionary(metric, size, { maxKeys: 4 }),
    metadata: fc.dictionary(key, text, { maxKeys: 4 }),
    peft,
    provenance: fc.record({
      dataSourceUri: text,
      training: fc.record({
        datasetName: text,
        sampleCount: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
        epochs: size,
        learningRate: size,
      }),
    }),
  })
  .map((change) => adapterVersion({ ...change, name: `${change.adapter}@${change.version}` }));

test("import(render(version)) keeps what adapter_metadata.json holds", () => {
  fc.assert(
    fc.property(registered, (version) => {
      const content = rendered(Format.FORMAT_ADAPTER_METADATA, version);
      const [read] = readMetadata(content) as [ImportedEntry];
      const { adapter, label, method, task, domains, language, creator, metrics, metadata, peft, provenance } = version;
      expect(read.version).toMatchObject({
        adapter,
        label,
        method,
        task,
        domains,
        language,
        creator,
        metrics,
        metadata,
      });
      expect(read.version).toMatchObject(hashes(version));
      expect(read.version.peft).toEqual({ ...peft, ...unwritten });
      expect(read.version.provenance?.training).toEqual(provenance?.training);
      expect(read.version.provenance?.dataSourceUri).toBe(provenance?.dataSourceUri);
      expect(rendered(Format.FORMAT_ADAPTER_METADATA, stored(read))).toBe(content);
    }),
  );
});

test("import(render(versions)) keeps what adapter_registry.json holds", () => {
  fc.assert(
    fc.property(fc.array(registered, { minLength: 1, maxLength: 4 }), (versions) => {
      const content = rendered(Format.FORMAT_ADAPTER_REGISTRY, ...versions);
      const read = readRegistry(content);
      for (const [place, { adapter, name, method, domains, metrics, peft, ...version }] of versions.entries()) {
        expect(read[place]?.version).toMatchObject({ adapter, method, domains, metrics, peft: { r: peft?.r } });
        expect(read[place]?.version).toMatchObject(hashes(version));
        expect(read[place]?.version.declared?.id).toBe(name);
      }
      expect(rendered(Format.FORMAT_ADAPTER_REGISTRY, ...read.map(stored))).toBe(content);
    }),
  );
});

test("keys that nobody knows survive, whatever they hold, also when something else changes", () => {
  const unknown = fc.dictionary(
    fc.string({ unit: "grapheme" }).map((tail) => `x-${tail}`),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(unknown, unknown, unknown, (top, training, vllm) => {
      const value = { ...top, adapter_id: "a", training: { ...training, epochs: 1 }, vllm: { ...vllm, enabled: true } };
      const content = JSON.stringify(value);
      const [read] = readMetadata(content) as [ImportedEntry];
      expect(rendered(Format.FORMAT_ADAPTER_METADATA, stored(read))).toBe(content);
      const changed = { ...stored(read), metrics: { loss: 1 } };
      const written = JSON.parse(rendered(Format.FORMAT_ADAPTER_METADATA, changed));
      expect(written).toEqual(JSON.parse(JSON.stringify({ ...value, metrics: { loss: 1 } })));
      const [entry] = readRegistry(JSON.stringify([{ ...top, id: "a" }]), "") as [ImportedEntry];
      expect(JSON.parse(rendered(Format.FORMAT_ADAPTER_REGISTRY, stored(entry)))).toEqual(
        JSON.parse(JSON.stringify([{ ...top, id: "a" }])),
      );
    }),
  );
});

/** What these formats do not tell of a shape. */
const unwritten = {
  bias: "",
  taskType: "",
  maximumRank: 0,
  configurationJson: "",
};

function rendered(format: Format, ...versions: AdapterVersion[]): string {
  return render(versions, format).content;
}

function stored({ version }: ImportedEntry): AdapterVersion {
  return { ...version, state: AdapterVersion_State.STATE_DECLARED };
}

function hashes({ baseModel }: Pick<AdapterVersion, "baseModel">): object {
  return {
    baseModel: { name: baseModel?.name },
    declared: { baseModelHash: baseModel?.weightsDigest, tokenizerHash: baseModel?.tokenizerDigest },
  };
}
