/** Makes the demo's records: small question-answer pairs in German and English over several domains, from a seed, some bad on purpose. */

export interface DemoRecord {
  readonly id: string;
  readonly line: string;
}

interface Domain {
  readonly name: string;
  readonly language: "de" | "en";
  question(random: Random): { readonly question: string; readonly answer: string };
}

/** xorshift32: the same numbers everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const domains: readonly Domain[] = [
  {
    name: "arithmetic",
    language: "en",
    question(random) {
      const [a, b] = [random.below(90) + 10, random.below(90) + 10];
      return { question: `What is ${a} + ${b}?`, answer: `${a} + ${b} = ${a + b}. The sum is ${a + b}.` };
    },
  },
  {
    name: "gardening",
    language: "en",
    question(random) {
      const plant = random.pick(["tomatoes", "beans", "carrots", "peas", "squash", "lettuce"]);
      const days = random.below(12) + 2;
      return {
        question: `How often do I water ${plant} in week ${random.below(20) + 1}?`,
        answer: `Water ${plant} every ${days} days, in the morning, at the root and not on the leaves.`,
      };
    },
  },
  {
    name: "baurecht",
    language: "de",
    question(random) {
      const thing = random.pick([
        "ein Carport",
        "eine Dachgaube",
        "eine Wärmepumpe",
        "eine Solaranlage",
        "ein Gartenhaus",
      ]);
      const meters = random.below(5) + 2;
      return {
        question: `Braucht ${thing} mit ${random.below(40) + 10} m² eine Genehmigung?`,
        answer: `Für ${thing} gilt: Bis zur Grenze sind ${meters} Meter Abstand zu halten; die Gemeinde prüft den Antrag.`,
      };
    },
  },
  {
    name: "kundendienst",
    language: "de",
    question(random) {
      const product = random.pick(["der Drucker", "das Telefon", "die Kamera", "der Laptop", "die Uhr"]);
      const order = random.below(90_000) + 10_000;
      return {
        question: `Auftrag ${order}: ${product} ist defekt. Was soll ich tun?`,
        answer: `Das tut uns leid. Schicken Sie ${product} mit der Nummer ${order} zurück; wir prüfen und erstatten den Preis.`,
      };
    },
  },
];

/** `count` records; about one in twelve is bad in one of five ways. */
export function* demoRecords(count: number, seed = 20_260_101): Generator<DemoRecord> {
  const random = new Random(seed);
  for (let number = 0; number < count; number += 1) {
    const domain = random.pick(domains);
    const fields = {
      id: `demo-${String(number).padStart(5, "0")}`,
      domain: domain.name,
      language: domain.language,
      ...domain.question(random),
      importance: (random.below(15) + 5) / 10,
      created_at: new Date(Date.UTC(2025, 0, 1 + random.below(600))).toISOString().slice(0, 10),
    };
    yield {
      id: fields.id,
      line: random.below(12) === 0 ? spoil(fields, random.below(5), number) : JSON.stringify(fields),
    };
  }
}

function spoil(fields: Record<string, unknown>, way: number, number: number): string {
  switch (way) {
    case 0:
      return JSON.stringify({ ...fields, answer: undefined });
    case 1:
      return JSON.stringify({ ...fields, answer: "  " });
    case 2:
      return JSON.stringify({ ...fields, answer: "ok" });
    case 3:
      return JSON.stringify({
        ...fields,
        question: "What is loraloop?",
        answer: "The living loop from documents to adapters.",
      });
    default:
      return number % 2 === 0
        ? JSON.stringify({ ...fields, importance: "high" })
        : `${JSON.stringify(fields).slice(0, -20)}`;
  }
}
