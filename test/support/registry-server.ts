import { readAllConfigurations, startAll } from "../../services/all.ts";
import type { ExportConfiguration } from "../../services/export/configuration.ts";
import { type RegistryConfiguration, readRegistryConfiguration } from "../../services/registry/configuration.ts";
import { startRegistry } from "../../services/registry/service.ts";
import { type TestServer, type TestServerOptions, testServer } from "./server.ts";

export interface TestRegistryOptions extends Omit<TestServerOptions, "configuration"> {
  /** Configuration beside data directory and ports; the store is memory by default. */
  readonly configuration?: Partial<RegistryConfiguration>;
}

/** A registry of its own, which knows no export service unless its configuration names one: `await using registry = await startTestRegistry()`. */
export function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestServer> {
  return testServer(options, (values) =>
    startRegistry(readRegistryConfiguration({ values: { ...values, ...options.configuration } })),
  );
}

export interface TestServersOptions extends Omit<TestServerOptions, "configuration"> {
  /** Of the export service, beside data directory and ports; the store is memory by default. */
  readonly export?: Partial<ExportConfiguration>;
  /** Of the registry, likewise. */
  readonly registry?: Partial<RegistryConfiguration>;
}

/** Export and registry in one process at one address, as `loraloop up` serves them. */
export function startTestServers(options: TestServersOptions = {}): Promise<TestServer> {
  return testServer(options, (values) => {
    const configurations = readAllConfigurations(values);
    return startAll({
      export: { ...configurations.export, ...options.export },
      registry: { ...configurations.registry, ...options.registry },
    });
  });
}
