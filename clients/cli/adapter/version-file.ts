import { z } from "zod";
import { Method, type RegisterVersionOptions } from "../../typescript/src/index.ts";
import { readText } from "../read-text.ts";
import { anyObject, parseStrict } from "../strict-json.ts";

const texts = z.record(z.string(), z.string());

const versionFile = z.strictObject({
  run: z.string().optional(),
  snapshots: z.array(z.string()).optional(),
  base_model: z
    .strictObject({
      name: z.string(),
      revision: z.string().default(""),
      weights_digest: z.string().default(""),
      tokenizer_digest: z.string().default(""),
    })
    .optional(),
  method: z.enum(["lora", "qlora", "dora"]).optional(),
  quantization: z
    .strictObject({
      library: z.string().default(""),
      format: z.string().default(""),
      bits: z.int().nonnegative().default(0),
      double_quantization: z.boolean().default(false),
      compute_type: z.string().default(""),
    })
    .optional(),
  parent: z.string().optional(),
  data_source_uri: z.string().optional(),
  training: z
    .strictObject({
      dataset_name: z.string().default(""),
      sample_count: z.int().nonnegative().default(0),
      epochs: z.number().default(0),
      learning_rate: z.number().default(0),
      configuration: anyObject.optional(),
    })
    .optional(),
  task: z.string().optional(),
  domains: z.array(z.string()).optional(),
  language: z.string().optional(),
  constraint: z
    .union([
      z.strictObject({ json_schema: anyObject }),
      z.strictObject({ pattern: z.string() }),
      z.strictObject({ grammar: z.string() }),
    ])
    .optional(),
  serving_hints: anyObject.optional(),
  metrics: z.record(z.string(), z.number()).optional(),
  metadata: texts.optional(),
  label: z.string().optional(),
  alias: z.string().optional(),
});

type VersionFile = z.output<typeof versionFile>;

/**
 * Reads what is known of a version beside its files: the fields of `RegisterVersionRequest` in snake_case as JSON, with objects for `training.configuration`,
 * `serving_hints` and `constraint.json_schema`, and `lora`, `qlora` or `dora` for `method`. Rejects with InputError, naming file and keys.
 */
export async function readVersionFile(file: string): Promise<RegisterVersionOptions> {
  const { base_model, data_source_uri, serving_hints, method, quantization, training, constraint, ...said } =
    parseStrict(versionFile, await readText(file), file);
  const options = {
    ...said,
    baseModel: base_model && toBaseModel(base_model),
    dataSourceUri: data_source_uri,
    servingHintsJson: serving_hints && JSON.stringify(serving_hints),
    method: method && methods[method],
    quantization: quantization && toQuantization(quantization),
    training: training && toTraining(training),
    constraint: constraint && toConstraint(constraint),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const methods = { lora: Method.METHOD_LORA, qlora: Method.METHOD_QLORA, dora: Method.METHOD_DORA } as const;

function toBaseModel(base: NonNullable<VersionFile["base_model"]>): RegisterVersionOptions["baseModel"] {
  const { weights_digest: weightsDigest, tokenizer_digest: tokenizerDigest, ...named } = base;
  return { ...named, weightsDigest, tokenizerDigest };
}

function toQuantization(given: NonNullable<VersionFile["quantization"]>): RegisterVersionOptions["quantization"] {
  const { double_quantization: doubleQuantization, compute_type: computeType, ...named } = given;
  return { ...named, doubleQuantization, computeType };
}

function toTraining(training: NonNullable<VersionFile["training"]>): RegisterVersionOptions["training"] {
  const {
    dataset_name: datasetName,
    sample_count: samples,
    learning_rate: learningRate,
    configuration,
    epochs,
  } = training;
  const configurationJson = configuration === undefined ? "" : JSON.stringify(configuration);
  return { datasetName, sampleCount: BigInt(samples), epochs, learningRate, configurationJson };
}

function toConstraint(constraint: NonNullable<VersionFile["constraint"]>): RegisterVersionOptions["constraint"] {
  if ("json_schema" in constraint)
    return { constraint: { $case: "jsonSchema", value: JSON.stringify(constraint.json_schema) } };
  if ("pattern" in constraint) return { constraint: { $case: "pattern", value: constraint.pattern } };
  return { constraint: { $case: "grammar", value: constraint.grammar } };
}
