/** Runs all tests of both languages, the second too when the first failed. */
import { testRunners } from "./test-runners.ts";
import { runTool } from "./tools.ts";

const outcomes = Object.values(testRunners).map((runner) => runTool(runner, "show"));
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
