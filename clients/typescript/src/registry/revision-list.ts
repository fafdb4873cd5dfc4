import { LoraloopError } from "../errors.ts";
import { itemsOf } from "./pages.ts";

/** A page of a list, as of the revision of the first. */
export interface RevisionPage<Item> {
  readonly items: readonly Item[];
  readonly nextPageToken: string;
  readonly revision: bigint;
}

/** What all pages of a list hold, as of one revision. */
export class RevisionList<Item> implements AsyncIterable<Item> {
  readonly #ask: (pageToken: string) => Promise<RevisionPage<Item>>;
  #revision: bigint | undefined;

  constructor(ask: (pageToken: string) => Promise<RevisionPage<Item>>) {
    this.#ask = ask;
  }

  /** What the list shows: a watch after this revision tells what came since. Throws LoraloopError before the first page has come. */
  get revision(): bigint {
    if (this.#revision === undefined) throw new LoraloopError("A list has a revision once its first page has come.");
    return this.#revision;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Item> {
    return itemsOf(
      (pageToken) => this.#page(pageToken),
      ({ items }) => items,
    );
  }

  async #page(pageToken: string): Promise<RevisionPage<Item>> {
    const page = await this.#ask(pageToken);
    this.#revision = page.revision;
    return page;
  }
}
