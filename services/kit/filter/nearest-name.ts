/** The name that was probably meant: equal but for case and underscores, or a few letters apart; undefined where none is near. */
export function nearestName(meant: string, names: Iterable<string>): string | undefined {
  let [nearest, least]: [string | undefined, number] = [undefined, Math.min(3, meant.length / 2)];
  for (const name of names) {
    const distance = plain(name) === plain(meant) ? 0 : lettersApart(meant, name);
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Levenshtein's distance. */
function lettersApart(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let place = 1; place <= other.length; place += 1) {
      const replaced = (row[place - 1] as number) + (letter === other[place - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[place] as number) + 1, (next[place - 1] as number) + 1));
    }
    row = next;
  }
  return row[other.length] as number;
}
