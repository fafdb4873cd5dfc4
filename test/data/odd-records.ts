import type { Fields } from "./real-data.ts";

/** Records that careless programs break: line separators, emoji, long texts, ids of odd bytes, keys with a meaning elsewhere. */
export function makeOddRecords(): Fields[] {
  const texts: readonly string[] = [
    "plain",
    "line separators \u2028 \u2029 \u0085 inside",
    "family 👨‍👩‍👧‍👦, flag 🇩🇪, combining e\u0301, right to left \u202e abc",
    'tab\tnew line\nreturn\r\nquote" backslash\\ slash/ \b\f delete\u007f control\u0001',
    '{"not":"parsed"}',
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 東京 Ελλάδα עברית हिन्दी",
    "x".repeat(100_000),
    "🦊".repeat(50_000),
    "\u2028".repeat(2_500),
    " ",
    "\ufeffmark",
  ];
  return texts.map((text, number) => ({
    id: oddIds[number] ?? `odd-${number}`,
    text,
    question: `Question ${number}: ${text.slice(0, 100)}`,
    weight: oddWeights[number] ?? 1,
    nested: { "a.b": number, list: [null, true, 1e21, -0.5, {}], "": "empty key" },
    created_at: `20${String(10 + number)}-02-28T23:59:59.123456+05:30`,
  }));
}

/** Their order by bytes is another than by UTF-16 units or by a locale. */
const oddIds = [
  "ä",
  "z",
  "Z",
  "\uffee",
  "🦊",
  "a b",
  "a\u2028b",
  "../../etc/passwd",
  "%00",
  "a".repeat(256),
  "constructor",
];
const oddWeights = [0, 0.000001, 1e-7, 0.1 + 0.2, 3999.9999994, 4000, 1.0000005, 2, 1.5, 0.9, 123.456];
