import {
  Adapter,
  AdapterVersion,
  Alias,
  Declared,
  DeletedData,
  type OutputConstraint,
  PeftConfiguration,
  Provenance,
  Quantization,
  Quarantine,
  Servability,
  Signature,
  TrainingConfiguration,
  TrainingSnapshot,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { blank, type FieldType, listOf, open, plainValue } from "../../kit/filter/field-types.ts";
import { snakeCase } from "../../kit/snake-case.ts";

/** Fields that are no plain values, nor lists of them. */
type Structured<Message> = {
  [Field in keyof Message]-?: NonNullable<Message[Field]> extends readonly (infer Element)[]
    ? Element extends object
      ? Field
      : never
    : NonNullable<Message[Field]> extends object
      ? Field
      : never;
}[keyof Message];

type ConstraintName = NonNullable<OutputConstraint["constraint"]>["$case"];

const map = open;
const time = open;
const constraint: Readonly<Record<ConstraintName, FieldType>> = {
  jsonSchema: plainValue,
  pattern: plainValue,
  grammar: plainValue,
};

/** What a filter finds in `adapter`. */
export const adapterFields: FieldType = message(Adapter, {
  metadata: map,
  aliases: listOf(message(Alias, { updateTime: time })),
  createTime: time,
  updateTime: time,
  deleteTime: time,
});

/** What a filter finds in `version`, which is what lists have (`listedVersion`). */
export const versionFields: FieldType = message(AdapterVersion, {
  baseModel: message(BaseModelReference, {}),
  quantization: message(Quantization, {}),
  peft: message(PeftConfiguration, { rankPattern: map, alphaPattern: map }, ["configurationJson", "layers"]),
  artifact: message(Artifact, { files: blank }),
  provenance: message(Provenance, {
    snapshots: listOf(message(TrainingSnapshot, {})),
    training: message(TrainingConfiguration, {}, ["configurationJson"]),
    packageVersions: map,
  }),
  constraint: fieldsOf(constraint),
  servability: listOf(message(Servability, {})),
  metrics: map,
  metadata: map,
  signature: message(Signature, {}, ["bundleJson"]),
  quarantine: message(Quarantine, { time }),
  deletedData: message(DeletedData, { firstTime: time, lastTime: time }),
  inheritedDeletedData: message(DeletedData, { firstTime: time, lastTime: time }),
  declared: message(Declared, {}, ["document"]),
  createTime: time,
  deleteTime: time,
  verifyTime: time,
});

function message<Message extends object>(
  type: { create(): Message },
  structured: Readonly<Record<Structured<Message>, FieldType>>,
  blanks: readonly (keyof Message & string)[] = [],
): FieldType {
  const values = Object.entries(type.create()).map(([name, value]) => [
    name,
    Array.isArray(value) ? listOf(plainValue) : plainValue,
  ]);
  const blankFields = blanks.map((name) => [name, blank]);
  return fieldsOf({ ...Object.fromEntries(values), ...structured, ...Object.fromEntries(blankFields) });
}

function fieldsOf(types: Readonly<Record<string, FieldType>>): FieldType {
  return { kind: "message", fields: new Map(Object.entries(types).map(([name, type]) => [snakeCase(name), type])) };
}
