import { createHash } from "node:crypto";

export interface ExpectedSample {
  readonly id: string;
  /** Without line feed and weight. */
  readonly line: string;
  readonly weightMicros?: number;
}

export interface ExpectedSnapshot {
  readonly samples: readonly ExpectedSample[];
  readonly pages: readonly (readonly ExpectedSample[])[];
  readonly digest: string;
}

/** What a snapshot of these samples must be, computed from the rules in docs/decisions/0004 and nothing of ours. */
export function expectedSnapshot(samples: readonly ExpectedSample[], skipDuplicates = false): ExpectedSnapshot {
  const ordered = samples.toSorted((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  const seen = new Set<string>();
  const kept = ordered.filter(({ line }) => !skipDuplicates || (!seen.has(line) && seen.add(line)));
  const pages = pagesOf(kept);
  return { samples: kept, pages, digest: digestOf(pages) };
}

function pagesOf(samples: readonly ExpectedSample[]): ExpectedSample[][] {
  const pages: ExpectedSample[][] = [];
  let page: ExpectedSample[] = [];
  let bytes = 0;
  const end = (): void => {
    if (page.length > 0) pages.push(page);
    [page, bytes] = [[], 0];
  };
  for (const sample of samples) {
    const length = BigInt(Buffer.byteLength(sample.line) + 1);
    if (bytes + Number(length) > 262_144) end();
    page.push(sample);
    bytes += Number(length);
    const word = BigInt(`0x${createHash("sha256").update(sample.id).digest("hex").slice(0, 8)}`);
    if (word < length * 65_536n) end();
  }
  end();
  return pages;
}

function digestOf(pages: readonly (readonly ExpectedSample[])[]): string {
  const digest = createHash("sha256");
  for (const page of pages) {
    const lines = page.map(({ line }) => `${line}\n`).join("");
    const id = Buffer.from(page[0]?.id ?? "");
    digest
      .update(uint32(id.length))
      .update(id)
      .update(uint32(page.length))
      .update(uint32(Buffer.byteLength(lines)));
    digest.update(createHash("sha256").update(lines).digest());
    for (const { weightMicros } of page) if (weightMicros !== undefined) digest.update(uint32(weightMicros));
  }
  return digest.digest("hex");
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
