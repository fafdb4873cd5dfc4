/** The items until they end or the signal is aborted, whichever comes first. */
export async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let abort = (): void => {};
  const aborted = (): void => abort();
  signal.addEventListener("abort", aborted);
  try {
    for (;;) {
      // Not Promise.race with one promise for all turns: that would keep every item until the end.
      const turn = Promise.withResolvers<IteratorResult<Item> | undefined>();
      abort = () => turn.resolve(undefined);
      if (signal.aborted) abort();
      else iterator.next().then(turn.resolve, turn.reject);
      const next = await turn.promise;
      if (!next || next.done) return undefined;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}
