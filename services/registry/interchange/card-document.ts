import { type Document, isMap, parseDocument, visit, type YAMLMap } from "yaml";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { cardTags } from "./card-yaml.ts";
import { documentInvalid } from "./document-invalid.ts";

/** A model card: its metadata, and what people read. */
export interface CardDocument {
  readonly metadata: Document;
  /** From the line that ends the metadata. */
  readonly rest: string;
}

/** Throws DOCUMENT_INVALID for a card without metadata that can be read, LIMIT_EXCEEDED (`import_bytes`, `card_metadata_bytes`). */
export function parseCard(card: string): CardDocument {
  const bytes = Buffer.byteLength(card);
  if (bytes > limits.import_bytes) throw limitExceeded("import_bytes", bytes, "The document");
  const [whole = "", yaml = ""] = /^---\r?\n([\s\S]*?\n)(?=---(?:\r?\n|$))/.exec(card) ?? [];
  if (whole === "") throw documentInvalid("", "it does not begin with metadata between lines of three dashes");
  const metadataBytes = Buffer.byteLength(yaml);
  if (metadataBytes > limits.card_metadata_bytes) {
    throw limitExceeded("card_metadata_bytes", metadataBytes, "The metadata of the model card");
  }
  return { metadata: parseYaml(yaml), rest: card.slice(whole.length) };
}

function parseYaml(yaml: string): Document {
  try {
    // Its own check of keys compares each with each.
    const metadata = parseDocument(yaml, { uniqueKeys: false, customTags: cardTags });
    const [problem] = [...metadata.errors, ...metadata.warnings];
    if (problem !== undefined) throw problem;
    if (!isMap(metadata.contents)) throw new Error("expected keys and values");
    visit(metadata, { Map: (_, map) => checkKeys(map) });
    return metadata;
  } catch (error) {
    throw documentInvalid("", `its metadata is no YAML: ${(error as Error).message.split("\n", 1)[0]}`);
  }
}

function checkKeys({ items }: YAMLMap): void {
  const keys = new Set(items.map(({ key }) => String(key)));
  if (keys.size < items.length) throw new Error("a key comes twice");
}

/** The metadata as JSON has it. It may hold no references: they could make it far larger than it is. Throws DOCUMENT_INVALID. */
export function cardValues({ metadata }: CardDocument): unknown {
  try {
    return metadata.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw documentInvalid("", `its metadata cannot be used: ${(error as Error).message}`);
  }
}

/** The card with the metadata as it is now: comments, order, quotes and the form of numbers stay, white space may change. */
export function printCard({ metadata, rest }: CardDocument): string {
  return `---\n${metadata.toString({ lineWidth: 0 })}${rest}`;
}
