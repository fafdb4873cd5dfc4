import { isDeepStrictEqual } from "node:util";
import { type Document, isScalar, isSeq, YAMLSeq } from "yaml";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { parseCard, printCard } from "./card-document.ts";
import { cardMetadata } from "./card-metadata.ts";
import { updateMetrics } from "./card-metrics.ts";
import { cardNode } from "./card-yaml.ts";
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
  else if (before !== undefined || !metadata.has(key)) metadata.set(key, cardNode(metadata, after));
}

function updateList(metadata: Document, key: string, before: readonly unknown[], after: readonly unknown[]): void {
  const node = metadata.get(key, true);
  const said: unknown[] = isSeq(node) ? node.items : [node];
  const isSaid = (value: unknown) => said.some((item) => valueIn(item) === value);
  const kept = said.filter(
    (item) => valueIn(item) != null && (after.includes(valueIn(item)) || !before.includes(valueIn(item))),
  );
  const added = after
    .filter((value) => !before.includes(value) && !isSaid(value))
    .map((value) => cardNode(metadata, value));
  const list = isSeq(node) ? node : new YAMLSeq(metadata.schema);
  list.items = [...kept, ...added];
  metadata.set(key, list);
}

function valueIn(item: unknown): unknown {
  return isScalar(item) ? item.value : item;
}
