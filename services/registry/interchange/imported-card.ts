import { isDeepStrictEqual } from "node:util";
import { type Document, isSeq } from "yaml";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { parseCard, printCard } from "./card-document.ts";
import { cardMetadata } from "./card-metadata.ts";
import { changesOf } from "./document-format.ts";
import { readCard } from "./read-card.ts";

/** The card that an imported version came with: as it was, or where something changed since with its metadata brought up to date. */
export function importedCard(version: AdapterVersion): string {
  const document = version.declared?.document ?? "";
  const imported = { ...readCard(document, version.adapter), name: version.name };
  const current = { ...imported, ...changesOf(version) };
  const [before, after] = [cardMetadata(imported), cardMetadata(current)];
  if (isDeepStrictEqual(before, after)) return document;
  const card = parseCard(document);
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key === "model-index") updateMetrics(card.metadata, imported.metrics, current.metrics, after[key]);
    else updateValue(card.metadata, key, before[key], after[key]);
  }
  return printCard(card);
}

/** What the card says and we never read stays; of a list, what is no longer so goes and what is new is added. */
function updateValue(metadata: Document, key: string, before: unknown, after: unknown): void {
  if (isDeepStrictEqual(before, after)) return;
  if (after === undefined) metadata.delete(key);
  else if (Array.isArray(before) && Array.isArray(after)) updateList(metadata, key, before, after);
  else if (before !== undefined || !metadata.has(key)) metadata.set(key, metadata.createNode(after));
}

function updateList(metadata: Document, key: string, before: readonly unknown[], after: readonly unknown[]): void {
  const said: unknown[] = [metadata.toJS()[key] ?? []].flat();
  const kept = said.filter((value) => after.includes(value) || !before.includes(value));
  const added = after.filter((value) => !before.includes(value) && !kept.includes(value));
  metadata.set(key, metadata.createNode([...kept, ...added]));
}

type Metrics = Readonly<Record<string, number>>;

/** A metric has its new value where the card has it first; a new one is added to the first results. @param whole for a card without results */
function updateMetrics(metadata: Document, before: Metrics, after: Metrics, whole: unknown): void {
  const changed = Object.entries(after).filter(([type, value]) => before[type] !== value);
  const hasResults = isSeq(metadata.getIn(firstMetrics, true));
  if (changed.length > 0 && !hasResults) metadata.set("model-index", metadata.createNode(whole));
  for (const [type, value] of changed) {
    const place = placeOf(metadata, type);
    if (place === undefined) metadata.addIn(firstMetrics, metadata.createNode({ type, value }));
    else metadata.setIn([...place, "value"], value);
  }
}

const firstMetrics = ["model-index", 0, "results", 0, "metrics"];

interface Model {
  readonly results?: readonly { readonly metrics?: readonly { readonly type: string; readonly value: unknown }[] }[];
}

function placeOf(metadata: Document, type: string): (string | number)[] | undefined {
  const models: readonly Model[] = metadata.toJS()["model-index"] ?? [];
  for (const [model, { results }] of models.entries()) {
    for (const [result, { metrics }] of (results ?? []).entries()) {
      const metric = (metrics ?? []).findIndex((one) => one.type === type && typeof one.value === "number");
      if (metric >= 0) return ["model-index", model, "results", result, "metrics", metric];
    }
  }
  return undefined;
}
