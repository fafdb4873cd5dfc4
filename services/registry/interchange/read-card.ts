import { z } from "zod";
import { AdapterVersion, Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { limits } from "../../kit/limits.ts";
import { metricForm } from "../adapters/check-fields.ts";
import { cardValues, parseCard } from "./card-document.ts";
import {
  adapterNamed,
  baseModelName,
  method,
  names,
  optional,
  readBaseModel,
  readShape,
  text,
} from "./document-fields.ts";

/** As `Declared.format` has it. */
export const cardFormat = "model_card";

/** One or several texts, or none. */
const texts = z.union([names, text.transform((one) => (one === "" ? [] : [one]))]);

const metric = z.object({ type: z.string(), value: z.unknown() });

const result = z.object({
  task: optional(z.object({ type: text }), { type: "" }),
  metrics: optional(z.array(metric), []),
});

const shape = z.object({
  base_model: texts,
  base_model_relation: z.literal("adapter").nullish(),
  library_name: z.literal("peft").nullish(),
  language: texts,
  license: text,
  datasets: texts,
  tags: texts,
  "model-index": optional(z.array(z.object({ name: text, results: optional(z.array(result), []) })), []),
});

type Fields = z.output<typeof shape>;

/**
 * What the metadata of a model card says of a version; nothing of it is checked. Throws DOCUMENT_INVALID, LIMIT_EXCEEDED.
 * @param adapter its adapter; where empty, what `model-index` names
 */
export function readCard(card: string, adapter: string): AdapterVersion {
  const fields = readShape(shape, cardValues(parseCard(card)), []);
  const [model] = fields["model-index"];
  const name = model?.name ?? "";
  const [dataset = ""] = fields.datasets;
  const [language = "", ...languages] = fields.language;
  return AdapterVersion.fromPartial({
    adapter: adapter || adapterNamed(name, ["model-index", 0, "name"]),
    baseModel: readBaseModel(readShape(baseModelName, fields.base_model[0], ["base_model"])),
    method: methodOf(fields.tags),
    task: model?.results[0]?.task.type ?? "",
    language: languages.length === 0 ? language : "",
    metrics: metricsOf(fields),
    metadata: fields.license === "" ? {} : { license: fields.license },
    provenance: { training: { datasetName: dataset } },
    declared: { id: name, format: cardFormat, datasetReference: dataset, document: card },
  });
}

/** The tag that names a method, where exactly one does. */
function methodOf(tags: readonly string[]): Method {
  const methods = tags.flatMap((tag) => method.safeParse(tag).data ?? []);
  return methods.length === 1 ? (methods[0] as Method) : Method.METHOD_UNSPECIFIED;
}

/** Of values of the same name the first; what is no number, or has no name of a metric, is left in the document. */
function metricsOf(fields: Fields): Record<string, number> {
  const metrics = new Map<string, number>();
  for (const { type, value } of fields["model-index"].flatMap(({ results }) => results).flatMap((one) => one.metrics)) {
    if (typeof value !== "number" || !Number.isFinite(value) || !metricForm.test(type) || metrics.has(type)) continue;
    if (metrics.size < limits.version_metrics) metrics.set(type, value);
  }
  return Object.fromEntries(metrics);
}
