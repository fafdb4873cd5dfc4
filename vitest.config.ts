import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    reporters: ["default"],
    silent: "passed-only",
    slowTestThreshold: 5_000,
    // Node itself loads the files, as it does outside the tests.
    experimental: { viteModuleRunner: false },
    // One PostgreSQL for the whole run.
    globalSetup: "test/support/postgres-setup.ts",
    projects: [
      project("unit", 0, 10_000, {
        include: ["{services,clients,proto,deploy,test}/**/*.test.ts"],
        exclude: ["**/node_modules/**", "clients/*/dist/**", "**/*.{contract,wire}.test.ts", "test/{e2e,fault}/**"],
      }),
      project("contract", 1, 60_000, { include: ["{services,clients,test}/**/*.contract.test.ts"] }),
      project("wire", 2, 60_000, { include: ["{services,clients,test}/**/*.wire.test.ts"] }),
      project("e2e", 3, 300_000, { include: ["test/{e2e,fault}/**/*.test.ts"], fileParallelism: false }),
    ],
  },
});

/** Projects run one after the other in `order`; inside one, two files at a time. */
function project(
  name: string,
  order: number,
  timeoutMillis: number,
  test: TestProjectInlineConfiguration["test"],
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      pool: "forks",
      maxWorkers: 2,
      sequence: { groupOrder: order },
      testTimeout: timeoutMillis,
      hookTimeout: timeoutMillis,
      execArgv: ["--trace-warnings"],
      setupFiles: ["test/support/fail-on-warnings.ts"],
      ...test,
    },
  };
}

export default config;
