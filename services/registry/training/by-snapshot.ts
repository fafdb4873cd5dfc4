/** Some that are of one snapshot. */
export interface OfSnapshot<Item> {
  readonly snapshot: string;
  readonly items: readonly Item[];
}

/** Items that come in the order of their snapshots, together by snapshot. */
export async function* bySnapshot<Item extends { readonly snapshot: string }>(
  source: AsyncIterable<Item>,
): AsyncGenerator<OfSnapshot<Item>> {
  let items: Item[] = [];
  for await (const item of source) {
    const [first] = items;
    if (first !== undefined && first.snapshot !== item.snapshot) {
      yield { snapshot: first.snapshot, items };
      items = [];
    }
    items.push(item);
  }
  const [first] = items;
  if (first !== undefined) yield { snapshot: first.snapshot, items };
}

/** Each of `left` with the items of `right` that are of its snapshot; both come in the order of their snapshots. Without any of `left` nothing of `right` is asked for. */
export async function* joined<Left, Right>(
  left: AsyncIterable<OfSnapshot<Left>>,
  right: AsyncIterable<OfSnapshot<Right>>,
): AsyncGenerator<[OfSnapshot<Left>, readonly Right[]]> {
  const others = right[Symbol.asyncIterator]();
  let other: IteratorResult<OfSnapshot<Right>> | undefined;
  for await (const one of left) {
    other ??= await others.next();
    while (other.done !== true && other.value.snapshot < one.snapshot) other = await others.next();
    const items = other.done !== true && other.value.snapshot === one.snapshot ? other.value.items : [];
    yield [one, items];
  }
}
