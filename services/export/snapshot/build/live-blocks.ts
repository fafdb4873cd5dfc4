import type { Page } from "../blocks/page.ts";

/** A block that a build of this process has not committed yet: its pages grow. */
export interface LiveBlock {
  readonly firstSample: number;
  /** Where its bytes are; the file keeps its content when it is renamed. */
  readonly path: string;
  readonly pages: Page[];
}

/** What a running build has made and the store does not know yet. */
export class LiveBlocks {
  readonly #pathOf: (firstSample: number) => string;
  readonly #blocks: LiveBlock[] = [];
  #sampleCount = 0;

  constructor(pathOf: (firstSample: number) => string) {
    this.#pathOf = pathOf;
  }

  /** Samples that can be read, those in the store included. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Whether nothing from this sample on can be read, neither here nor in the store. */
  isBeyond(sample: number): boolean {
    return this.#sampleCount > 0 && sample >= this.#sampleCount;
  }

  /** What the store knows from before. */
  restored(sampleCount: number): void {
    this.#sampleCount = sampleCount;
  }

  add(firstSample: number, pages: readonly Page[]): void {
    let block = this.#blocks.at(-1);
    if (block?.firstSample !== firstSample) {
      block = { firstSample, path: this.#pathOf(firstSample), pages: [] };
      this.#blocks.push(block);
    }
    for (const page of pages) {
      block.pages.push(page);
      this.#sampleCount = page.firstSample + page.count;
    }
  }

  /** The store knows the oldest block now. */
  committed(firstSample: number): void {
    if (this.#blocks[0]?.firstSample === firstSample) this.#blocks.shift();
  }

  at(sample: number): LiveBlock | undefined {
    return sample < this.#sampleCount ? this.#blocks.findLast(({ firstSample }) => firstSample <= sample) : undefined;
  }
}
