import { fieldInvalid } from "../../kit/field.ts";
import { ThreadCalls } from "../../kit/thread-calls.ts";

/** So many characters take a few milliseconds. */
const smallPattern = 512;

/** Checks the regular expressions of output constraints; what would hold this thread up goes to another one. */
export class ConstraintPatterns implements AsyncDisposable {
  readonly #thread: ThreadCalls<string, string | undefined> = new ThreadCalls(
    new URL("./pattern-thread.ts", import.meta.url),
    { name: "patterns", resourceLimits: { maxOldGenerationSizeMb: 512 } },
  );

  /** Rejects with FIELD_INVALID for what is no regular expression in any dialect. Which dialect an engine reads is not known here. */
  async check(pattern: string): Promise<void> {
    const problem = await this.#problemOf(pattern);
    if (problem !== undefined) throw fieldInvalid("constraint.pattern", pattern, `a regular expression: ${problem}`);
  }

  async #problemOf(pattern: string): Promise<string | undefined> {
    if (pattern.length > smallPattern) return this.#thread.ask(pattern);
    // Only where there is a pattern: the library takes two megabytes.
    const { patternProblem } = await import("./constraint-pattern.ts");
    return patternProblem(pattern);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#thread[Symbol.asyncDispose]();
  }
}
