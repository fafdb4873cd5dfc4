import { Document, type Node, type Scalar, type ScalarTag, type Tags, visit } from "yaml";

/** Of YAML 1.2, but a number is written as it was read; a new one so that readers of YAML 1.1, as the Hub's in Python is, take it for one. */
export function cardTags(tags: Tags): Tags {
  return tags.map((tag) => (isNumberTag(tag) ? { ...tag, stringify: numberText } : tag));
}

function isNumberTag(tag: Tags[number]): tag is ScalarTag {
  return typeof tag === "object" && /:(int|float)$/.test(tag.tag);
}

function numberText({ source, value }: Scalar): string {
  if (source !== undefined) return source;
  if (!Number.isFinite(value)) throw new Error("A card is given finite numbers only.");
  // YAML 1.1 wants a point before an exponent.
  return JSON.stringify(value).replace(/^(-?\d+)e/, "$1.0e");
}

/** A new value, with quotes around each text that YAML 1.1 reads as something else, as `no` or `2026-01-01`. */
export function cardNode(document: Document, value: unknown): Node {
  const node = document.createNode(value);
  visit(node, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && isAmbiguous(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  return node;
}

const olderTags = new Document(null, { schema: "yaml-1.1" }).schema.tags;

function isAmbiguous(text: string): boolean {
  // A type of its own in YAML 1.1, which few readers know.
  if (text === "=") return true;
  return olderTags.some((tag) => tag.default !== undefined && "test" in tag && tag.test?.test(text));
}

/** New metadata as text. */
export function printYaml(value: unknown): string {
  const document = new Document(null, { customTags: cardTags });
  document.contents = cardNode(document, value);
  return document.toString({ lineWidth: 0 });
}
