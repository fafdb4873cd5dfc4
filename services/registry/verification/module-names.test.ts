import { describe, expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { endsOf, FieldProblem, NamePatterns, savedModules } from "./module-names.ts";

describe("patterns of names", () => {
  test("are tried in as many steps as the limit", () => {
    const patterns = new NamePatterns();
    const { matches } = patterns.whole("target_modules", "q_proj");
    const compiling = 10_000;
    const million = "a".repeat(1_000_000);
    for (let left = limits.adapter_pattern_steps - compiling; left > 0; left -= million.length) {
      expect(matches(million.slice(0, left))).toBe(false);
    }
    expect(matches("")).toBe(false);
    expect(() => matches("a")).toThrow(FieldProblem);
    expect(() => matches("a")).toThrow(/adapter_pattern_steps \(200000000\)/);
  });

  test("of many together are compiled in as many steps", () => {
    const patterns = new NamePatterns();
    const compile = (count: number) => {
      for (let number = 0; number < count; number++) patterns.end("rank_pattern", `n${number}`);
    };
    compile(limits.adapter_pattern_steps / 10_000);
    expect(() => compile(1)).toThrow(/adapter_pattern_steps/);
  });

  test("are whole by themselves", () => {
    const patterns = new NamePatterns();
    for (const pattern of ["a)|(b", "(?=a)", "(a", "a{2000}"]) {
      expect(() => patterns.whole("target_modules", pattern)).toThrow(FieldProblem);
    }
  });
});

test("a name ends like its parts", () => {
  expect([...endsOf("a.b.c")]).toEqual(["a.b.c", "b.c", "c"]);
  expect([...endsOf("a")]).toEqual(["a"]);
});

test("modules to save are those that end like a name, with all that lies in them", () => {
  const isSaved = savedModules(["norm", "b.mlp"]);
  const saved = ["norm", "a.norm", "a.input_layernorm", "a.norm.weight", "b.mlp.up", "a.b.mlp"];
  expect(saved.filter(isSaved)).toEqual(saved);
  expect(["normal", "a.normal.weight", "bxmlp", "mlp"].filter(isSaved)).toEqual([]);
  expect(["a", ""].filter(savedModules([]))).toEqual([]);
});
