import type { Fields } from "../data/real-data.ts";
import type { ExpectedSample } from "../support/expected-snapshot.ts";

/** What a dataset must make of records, computed by the rules of its documentation and by nothing of the services. */
export interface Rules {
  /** The sample of a record, without weight and metadata; undefined where it gives none. */
  readonly sample: (fields: Fields) => object | undefined;
  /** What the model learns to write. */
  readonly output?: (fields: Fields) => string;
  readonly metadata?: readonly string[];
  readonly weightField?: string;
  readonly weightByLength?: true;
  readonly freshnessField?: string;
  readonly asOf?: string;
  readonly weighted?: true;
}

export function expectedSamples(records: readonly Fields[], rules: Rules): ExpectedSample[] {
  return records.flatMap((fields) => {
    const sample = rules.sample(fields);
    if (sample === undefined) return [];
    const present = (rules.metadata ?? []).filter((name) => fields[name] !== undefined);
    const metadata = Object.fromEntries(present.map((name) => [name, fields[name]]));
    const line = JSON.stringify(present.length > 0 ? { ...sample, metadata } : sample);
    return { id: fields.id, line, ...(rules.weighted && { weightMicros: weightOf(fields, rules) }) };
  });
}

/** The lines with their weights, in the order of id bytes, as a client writes them. */
export function expectedText(samples: readonly ExpectedSample[]): string {
  return samples
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)))
    .map(({ line, weightMicros }) =>
      weightMicros === undefined ? `${line}\n` : `${line.slice(0, -1)},"weight":${printed(weightMicros)}}\n`,
    )
    .join("");
}

export function codePoints(text: string): number {
  return [...text].length;
}

function weightOf(fields: Fields, rules: Rules): number {
  const explicit = rules.weightField === undefined ? 1 : Number(fields[rules.weightField] ?? 1);
  const length = codePoints(rules.output?.(fields) ?? "");
  const lengthFactor = rules.weightByLength ? 1 + Math.min(0.5, length / 2000) : 1;
  return Math.floor(explicit * lengthFactor * freshnessOf(fields, rules) * 1e6 + 0.5);
}

function freshnessOf(fields: Fields, { freshnessField, asOf = "" }: Rules): number {
  if (freshnessField === undefined) return 1;
  const age = Math.max(0, Date.parse(asOf) - Date.parse(String(fields[freshnessField])));
  return 1 + 0.5 * Math.max(0, 1 - age / (365 * 86_400_000));
}

function printed(micros: number): string {
  return (micros / 1e6).toFixed(6).replace(/0+$/, "").replace(/\.$/, ".0");
}
