import { Random } from "./random.ts";
import type { Fields } from "./real-data.ts";

const words =
  "Der Senat hat die Revision the adapter learns zurückgewiesen from examples für Größe Straße 東京 🦊 δοκιμή".split(
    " ",
  );
const themes = ["law", "tax", "patent", "Verwaltung"];

/** Documents of about 900 characters in several languages, always the same for the same arguments. */
export function makeDocuments(count: number, seed = 1): Fields[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, number) => ({
    id: `doc-${String(number).padStart(7, "0")}`,
    theme: random.pick(themes),
    text: makeText(random, random.between(40, 240)),
    importance: random.between(0, 40) / 10,
    created_at: new Date(Date.UTC(2017 + random.between(0, 8), random.between(0, 11), random.between(1, 28)))
      .toISOString()
      .slice(0, 10),
  }));
}

function makeText(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick(words)).join(" ");
}
