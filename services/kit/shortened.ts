const problemCharacters = 500;

/** A problem may repeat names and values of what somebody sent, which may be megabytes long. */
export function shortened(problem: string): string {
  return problem.length > problemCharacters ? `${problem.slice(0, problemCharacters)}…` : problem;
}
