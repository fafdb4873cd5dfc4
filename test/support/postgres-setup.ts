import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the PostgreSQL of this test run. Each test file makes its own schemas in it. */
    readonly postgresUrl: string;
  }
}

/** vitest's globalSetup: one PostgreSQL for all test files of the projects that name it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  project.provide("postgresUrl", server.url);
  return () => server.stop();
}
