import fc from "fast-check";
import { expect, test } from "vitest";
import type { Mutation, Revision, Store, TenantId } from "../store.ts";
import type { Fixture, TestClock } from "./harness.ts";
import { bytes, changesAll, put, range, rejection, remove, scanAll, show, showChange } from "./helpers.ts";
import { Model } from "./model.ts";

/** Random histories against the model: whatever is asked, both answer the same. */
export function property({ store, tenant, clock }: Fixture): void {
  test("random commits, reads, pins and compactions behave as the model", async () => {
    const run = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const comparison = new Comparison(store(), clock, tenant());
      for (const one of steps) await comparison.take(one);
      await comparison.finish();
    });
    await fc.assert(run, { numRuns: 50 });
  });
}

const key = fc.constantFrom("\x00", "a", "a\x00", "a\x00\x00", "a\xff", "aa", "b", "\xff", "\xff\xff");
const value = fc.string({ unit: "binary-ascii", maxLength: 4 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(key, value).map(([k, v]) => put(k, v)) },
  { weight: 1, arbitrary: key.map(remove) },
);
const mutations = fc.uniqueArray(mutation, {
  minLength: 1,
  maxLength: 5,
  selector: (one) => Buffer.from("put" in one ? one.put : one.delete).toString("hex"),
});
/** A revision: from one below the floor (0) to one above the head (1). */
const place = fc.double({ min: 0, max: 1, noNaN: true });
const pinId = fc.constantFrom("p", "q", "r");
const limit = fc.integer({ min: 1, max: 6 });
const seconds = fc.integer({ min: 1, max: 9 });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("commit"), mutations, expect: key, right: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("get"), key, place }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("scan"), start: key, end: key, place, limit, reverse: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("changes"), place, limit }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("compact"), place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pin"), id: pinId, place, seconds }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unpin"), id: pinId }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait"), seconds }) },
);

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;
type StepOf<Kind extends Step["kind"]> = Extract<Step, { kind: Kind }>;

class Comparison {
  readonly #model = new Model();
  readonly #store: Store;
  readonly #clock: TestClock;
  readonly #tenant: TenantId;

  constructor(store: Store, clock: TestClock, tenant: TenantId) {
    this.#store = store;
    this.#clock = clock;
    this.#tenant = tenant;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "commit":
        return this.#commit(step);
      case "get":
        return this.#get(step);
      case "scan":
        return this.#scan(step);
      case "changes":
        return this.#changes(step);
      case "compact":
        return this.#compact(step);
      case "pin":
        return this.#pin(step);
      case "unpin":
        this.#model.unpin(step.id);
        return this.#store.unpin(this.#tenant, step.id);
      case "wait":
        return this.#clock.advance(step.seconds);
      default:
        step satisfies never;
    }
  }

  /** Everything that can still be read, and all that is left of the rest. */
  async finish(): Promise<void> {
    expect((await this.#store.head(this.#tenant)).revision).toBe(this.#model.head);
    expect(await this.#store.floor(this.#tenant)).toBe(this.#model.floor);
    const pins = await this.#store.pins(this.#tenant);
    expect(pins.map(({ id, revision }) => `${id}@${revision}`).toSorted()).toEqual(this.#model.pins(this.#clock.now()));
    for (let at = this.#model.floor; at <= this.#model.head; at++) {
      const all = await scanAll(this.#store, this.#tenant, range("", "\xff\xff\xff"), { at });
      expect(all.map(show)).toEqual(this.#model.scan(range("", "\xff\xff\xff"), at, false).map(show));
    }
  }

  async #commit({ mutations, expect: expected, right }: StepOf<"commit">): Promise<void> {
    const revision = this.#model.revisionOf(expected) + (right ? 0n : 1n);
    const committed = this.#store.commit(this.#tenant, mutations, [{ key: bytes(expected), revision }]);
    if (!right) return void (await rejection(committed, "ABORTED"));
    expect((await committed).revision).toBe(this.#model.commit(mutations));
  }

  async #get({ key, place }: StepOf<"get">): Promise<void> {
    const at = this.#revision(place);
    await this.#readable(at, this.#store.get(this.#tenant, bytes(key), at), (entry) => {
      const expected = this.#model.get(key, at);
      expect(entry && show(entry)).toEqual(expected && show(expected));
    });
  }

  async #scan({ start, end, place, limit, reverse }: StepOf<"scan">): Promise<void> {
    const at = this.#revision(place);
    const scanned = scanAll(this.#store, this.#tenant, range(start, end), { at, limit, reverse });
    await this.#readable(at, scanned, (entries) => {
      expect(entries.map(show)).toEqual(this.#model.scan(range(start, end), at, reverse).map(show));
    });
  }

  async #changes({ place, limit }: StepOf<"changes">): Promise<void> {
    const after = this.#revision(place);
    const first = this.#store.changes(this.#tenant, after, limit);
    await this.#readable(after, first, async () => {
      const found = await changesAll(this.#store, this.#tenant, after, limit);
      expect(found.map(showChange)).toEqual(this.#model.changes(after).map(showChange));
    });
  }

  async #compact({ place }: StepOf<"compact">): Promise<void> {
    const before = this.#revision(place);
    const compacted = this.#store.compact(this.#tenant, before);
    if (before < 0n || before > this.#model.head) return void (await rejection(compacted, "OUT_OF_RANGE"));
    expect(await compacted).toBe(this.#model.compact(before, this.#clock.now()));
  }

  async #pin({ id, place, seconds }: StepOf<"pin">): Promise<void> {
    const revision = this.#revision(place);
    await this.#readable(revision, this.#store.pin(this.#tenant, id, revision, seconds), (pin) => {
      this.#model.pin(id, revision, pin.expires);
    });
  }

  async #readable<Result>(
    revision: Revision,
    asked: Promise<Result>,
    check: (result: Result) => void | Promise<void>,
  ): Promise<void> {
    if (this.#model.readable(revision)) await check(await asked);
    else await rejection(asked, "OUT_OF_RANGE");
  }

  #revision(place: number): Revision {
    const lowest = this.#model.floor - 1n;
    return lowest + BigInt(Math.round(place * Number(this.#model.head + 1n - lowest)));
  }
}
