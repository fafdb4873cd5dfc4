/**
 * Works on up to `width` items at once and yields the results in the order of the items.
 * Reads an item only while there is room for it. After a failure nothing more is read, and what runs is waited for.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterator<Item> | Iterator<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  let ended = false;
  let reading: Promise<undefined> | undefined;
  const read = async (): Promise<undefined> => {
    const next = await items.next();
    reading = undefined;
    if (next.done) ended = true;
    else running.push(work(next.value));
  };
  try {
    for (;;) {
      if (!ended && running.length < width) reading ??= read();
      const oldest = running[0]?.then((result) => ({ result }));
      if (!oldest && !reading) return;
      const first = await Promise.race([oldest, reading].filter((promise) => promise !== undefined));
      if (!first) continue;
      void running.shift();
      yield first.result;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
