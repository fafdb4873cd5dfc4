import { afterAll, beforeAll, describe, test } from "vitest";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { changes } from "./changes.ts";
import { closing } from "./closing.ts";
import { commits } from "./commits.ts";
import { compaction } from "./compaction.ts";
import { diskFull } from "./disk-full.ts";
import { durability } from "./durability.ts";
import { expectations } from "./expectations.ts";
import { type Category, type Fixture, type Harness, type Place, type Skip, TestClock } from "./harness.ts";
import { head } from "./head.ts";
import { history } from "./history.ts";
import { limits } from "./limits.ts";
import { newerFormat } from "./newer-format.ts";
import { pins } from "./pins.ts";
import { property } from "./property.ts";
import { readers } from "./readers.ts";
import { scans } from "./scans.ts";
import { secondOpener } from "./second-opener.ts";
import { tenants } from "./tenants.ts";

type Theme = (fixture: Fixture) => void;

const themes: Readonly<Record<string, Theme>> = {
  commits,
  expectations,
  scans,
  history,
  changes,
  compaction,
  pins,
  tenants,
  limits,
  readers,
  closing,
  property,
};

const categories: Readonly<Record<Category, Theme>> = {
  durability,
  head,
  "disk-full": diskFull,
  "second-opener": secondOpener,
  "newer-format": newerFormat,
};

/** The contract of the port. An adapter is done when it passes; what it skips, it names and gives a reason for. */
export function storeConformance(name: string, harness: Harness, { skip = [] }: { skip?: readonly Skip[] } = {}): void {
  describe(`${name} store`, () => {
    const fixture = sharedStore(harness);
    for (const [theme, define] of Object.entries(themes)) describe(theme, () => define(fixture));
    for (const [category, define] of Object.entries(categories)) {
      const skipped = skip.find((one) => one.category === category);
      if (skipped) test(category, (context) => context.skip(skipped.reason));
      else describe(category, () => define(fixture));
    }
  });
}

function sharedStore(harness: Harness): Fixture {
  const clock = new TestClock();
  let opened: { place: Place; store: Store } | undefined;
  let tenants = 0;
  beforeAll(async () => {
    const place = await harness.create();
    opened = { place, store: await openStore(place.config, clock) };
  });
  afterAll(async () => {
    await opened?.store.close();
    await opened?.place.remove();
  });
  return {
    harness,
    clock,
    store() {
      if (!opened) throw new Error("The store is not open yet.");
      return opened.store;
    },
    tenant: () => ++tenants,
  };
}
