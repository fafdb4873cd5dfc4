import { untilAborted } from "./until-aborted.ts";

/** The items; where none comes for so long, `idle` is thrown. The time that the reader takes between two items does not count. */
export async function* untilIdle<Item>(
  items: AsyncIterable<Item>,
  seconds: number,
  idle: () => Error,
): AsyncGenerator<Item, undefined> {
  const waited = new AbortController();
  const startTimer = () => setTimeout(() => waited.abort(), seconds * 1_000).unref();
  let timer = startTimer();
  try {
    for await (const item of untilAborted(items, waited.signal)) {
      clearTimeout(timer);
      yield item;
      timer = startTimer();
    }
    if (waited.signal.aborted) throw idle();
  } finally {
    clearTimeout(timer);
  }
}
