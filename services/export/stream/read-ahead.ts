/** The same values; the next one is asked for while the consumer is busy with this one. */
export async function* readAhead<Value>(values: AsyncGenerator<Value>): AsyncGenerator<Value> {
  let next = values.next();
  try {
    for (let current = await next; !current.done; current = await next) {
      next = values.next();
      // Whoever awaits it hears of its failure; until then it is no unhandled one.
      next.catch(() => undefined);
      yield current.value;
    }
  } finally {
    await values.return(undefined);
  }
}
