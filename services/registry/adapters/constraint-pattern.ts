import { RE2JS, RE2JSSyntaxException } from "re2js";

/** What no dialect of regular expressions takes. Whatever else RE2 refuses is of a dialect that engines may read (look-around, back references) or a matter of size. */
const wrongEverywhere: ReadonlySet<string> = new Set([
  "invalid character class range",
  "missing argument to repetition operator",
  "missing closing )",
  "missing closing ]",
  "trailing backslash at end of expression",
  "unexpected )",
]);

/** Names of classes, which dialects have different ones of. */
const namedClass = /^(\\[pP]|\[:)/;

const shownCharacters = 40;

/** Why a text is no regular expression in any dialect; undefined where it is one, or may be. */
export function patternProblem(source: string): string | undefined {
  const problem = syntaxProblem(source);
  if (problem === undefined) return undefined;
  // Dialects differ in whether `[]` and `[^]` are closed.
  return syntaxProblem(RE2JS.translateRegExp(source)) === undefined ? undefined : problem;
}

function syntaxProblem(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const { error: problem, input } = error;
    if (!wrongEverywhere.has(problem) || namedClass.test(input ?? "")) return undefined;
    return input === null ? problem : `${problem} in ${JSON.stringify(input.slice(0, shownCharacters))}`;
  }
}
