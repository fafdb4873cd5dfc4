/** Why one record cannot be kept: one sentence that names the place or the value and says what to do. */
export class RecordProblem extends Error {
  override readonly name = "RecordProblem";
}

const shownCharacters = 64;

/** A value as problems show it: quoted, well-formed, at most 64 characters of it. */
export function shown(value: string): string {
  const start = value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
  return JSON.stringify(start.toWellFormed());
}
