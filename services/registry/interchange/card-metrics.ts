import { type Document, isSeq, type Scalar } from "yaml";
import { cardNode } from "./card-yaml.ts";

type Metrics = Readonly<Record<string, number>>;

interface Metric {
  readonly type: string;
  readonly value: unknown;
}

interface Result {
  readonly metrics?: readonly Metric[] | null;
}

/** A model of a card's `model-index`. */
interface Model {
  readonly results?: readonly Result[] | null;
}

/** Steps to a place in the metadata. */
type Place = (string | number)[];

/**
 * A metric has its new value where the card has it first. A new one is added to the first result that has metrics, else as a result of the first model.
 * @param index the whole `model-index` as it would be written now
 */
export function updateMetrics(metadata: Document, before: Metrics, after: Metrics, index: unknown): void {
  for (const [type, value] of Object.entries(after).filter(([type, value]) => before[type] !== value)) {
    const place = placeOf(metadata, type);
    if (place === undefined) addMetric(metadata, { type, value }, index as readonly Model[]);
    else setNumber(metadata.getIn(place, true) as Scalar, value);
  }
}

function setNumber(scalar: Scalar, value: number): void {
  scalar.value = value;
  // It would be written as it was read.
  delete scalar.source;
}

function addMetric(metadata: Document, metric: Metric, index: readonly Model[]): void {
  const [beside] = resultsOf(metadata).filter(({ metrics }) => Array.isArray(metrics));
  if (beside !== undefined) metadata.addIn([...beside.place, "metrics"], cardNode(metadata, metric));
  else addResult(metadata, { ...index[0]?.results?.[0], metrics: [metric] }, index);
}

function addResult(metadata: Document, result: Result, index: readonly Model[]): void {
  const results = ["model-index", 0, "results"];
  if (modelsOf(metadata).length === 0) {
    metadata.set("model-index", cardNode(metadata, [{ ...index[0], results: [result] }]));
  } else if (isSeq(metadata.getIn(results, true))) metadata.addIn(results, cardNode(metadata, result));
  else metadata.setIn(results, cardNode(metadata, [result]));
}

/** Where the value of a metric is. */
function placeOf(metadata: Document, type: string): Place | undefined {
  for (const { metrics, place } of resultsOf(metadata)) {
    const at = (metrics ?? []).findIndex((metric) => metric.type === type && typeof metric.value === "number");
    if (at >= 0) return [...place, "metrics", at, "value"];
  }
  return undefined;
}

/** All results of all models, in order. */
function resultsOf(metadata: Document): (Result & { readonly place: Place })[] {
  return modelsOf(metadata).flatMap(({ results }, model) =>
    (results ?? []).map((result, at) => ({ ...result, place: ["model-index", model, "results", at] })),
  );
}

function modelsOf(metadata: Document): readonly Model[] {
  return metadata.toJS()["model-index"] ?? [];
}
