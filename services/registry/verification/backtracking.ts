import { allCharacters, type CharacterSet, type PatternNode, SyntaxProblem } from "./pattern-syntax.ts";

/** Characters of the name that steps are counted for; modules of real models have fewer. */
export const nameCharacters = 200;

/** Nodes of a pattern with its bounded repetitions written out. */
const maximumNodes = 2500;

/** What it takes to count a node for a length of the name, in steps of `adapter_pattern_steps`. */
const countingNode = 4;

/** What follows at some place of a pattern. */
interface Rest {
  /** Steps by the number of characters that are left of the name; never fewer for more characters. */
  readonly steps: (left: number) => number;
  /** What it can begin with; all characters where it may be empty. */
  readonly first: CharacterSet;
}

const end: Rest = { steps: () => 1, first: allCharacters };

/** What a pattern costs. */
export interface BacktrackingCost {
  /** What an engine that backtracks takes at most for a name of `nameCharacters`, whatever it is; may be infinite. */
  readonly steps: number;
  /** What it took to count them, in steps of `adapter_pattern_steps`. */
  readonly counting: number;
}

/**
 * Counts all ways through a pattern, since an engine that backtracks goes them all where a name does not match, in the name that has
 * most. Only what excludes each other counts once: alternatives that begin with different letters (`q_proj|k_proj`), and the ends of
 * `\d+` before a point. Throws SyntaxProblem for a pattern that is too large.
 */
export function backtrackingCost(pattern: PatternNode): BacktrackingCost {
  const counter = new Counter();
  const steps = counter.of(pattern, end).steps(nameCharacters);
  return { steps, counting: countingNode * counter.nodes * nameCharacters };
}

class Counter {
  nodes = 0;

  /** A node with all that follows it. */
  of(node: PatternNode, rest: Rest): Rest {
    this.#count(1);
    switch (node.kind) {
      case "character":
        return remembered(node.set, (left) => (left === 0 ? 1 : 1 + rest.steps(left - 1)));
      case "assertion":
        return { steps: (left) => 1 + rest.steps(left), first: rest.first };
      case "sequence":
        return node.parts.reduceRight((after, part) => this.of(part, after), rest);
      case "choice":
        return this.#choice(node.options, rest);
      case "repetition":
        return this.#repetition(node, rest);
    }
  }

  #choice(options: readonly PatternNode[], rest: Rest): Rest {
    const beginnings = options.map((option) => beginning(option).text);
    const tries = beginnings.reduce((sum, { length }) => sum + 1 + length, 0);
    const all = options.map((option) => this.of(option, rest));
    // A name begins with some of these together only where one of them begins with all others.
    const together = beginnings.map((text) => all.filter((_, index) => text.startsWith(beginnings[index] as string)));
    this.#count(together.reduce((sum, { length }) => sum + length, 0));
    return remembered(
      all.reduce((first, one) => first | one.first, 0n),
      (left) => tries + Math.max(...together.map((some) => some.reduce((sum, one) => sum + one.steps(left), 0))),
    );
  }

  #repetition({ body, minimum, maximum }: Extract<PatternNode, { kind: "repetition" }>, rest: Rest): Rest {
    let after = maximum === Number.POSITIVE_INFINITY ? this.#loop(body, rest) : rest;
    for (let copy = minimum; Number.isFinite(maximum) && copy < maximum; copy++) {
      const again = this.of(body, after);
      after = remembered(rest.first | again.first, (left) => 1 + rest.steps(left) + again.steps(left));
    }
    for (let copy = 0; copy < minimum; copy++) after = this.of(body, after);
    return after;
  }

  #loop(body: PatternNode, rest: Rest): Rest {
    if (body.kind === "character" && (body.set & rest.first) === 0n) {
      // It can end only where its characters do; at all others what follows fails at once, as at the end of the name.
      const first = body.set | rest.first;
      return remembered(first, (left) => rest.steps(left) + left * (1 + rest.steps(0)));
    }
    const table: number[] = [];
    const first = firstOf(body) | rest.first;
    const again = this.of(body, { steps: (left) => table[left] as number, first });
    const steps = (left: number) => {
      // From the shortest rest on: the body takes at least a character.
      for (let next = table.length; next <= left; next++) table[next] = 1 + rest.steps(next) + again.steps(next);
      return table[left] as number;
    };
    return { steps, first };
  }

  #count(nodes: number): void {
    this.nodes += nodes;
    if (this.nodes > maximumNodes) throw new SyntaxProblem("is too large with its repetitions written out");
  }
}

function remembered(first: CharacterSet, count: Rest["steps"]): Rest {
  const known: number[] = [];
  return { first, steps: (left) => (known[left] ??= count(left)) };
}

/** What a node that is not empty can begin with, or more. */
function firstOf(node: PatternNode): CharacterSet {
  return node.kind === "character" ? node.set : allCharacters;
}

/** The text that everything begins with that a node matches; whole where it matches nothing else. */
function beginning(node: PatternNode): { text: string; isWhole: boolean } {
  if (node.kind === "character") return { text: node.literal ?? "", isWhole: node.literal !== undefined };
  if (node.kind === "assertion") return { text: "", isWhole: true };
  if (node.kind !== "sequence") return { text: "", isWhole: false };
  let text = "";
  for (const part of node.parts) {
    const first = beginning(part);
    text += first.text;
    if (!first.isWhole) return { text, isWhole: false };
  }
  return { text, isWhole: true };
}
