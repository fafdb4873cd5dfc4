import { resolve } from "node:path";
import { ConfigurationError } from "../../kit/configuration-error.ts";
import type { RegistryConfiguration } from "../configuration.ts";

/** Refuses roots through which callers would read what the registry keeps for others. Throws ConfigurationError. */
export function checkRoots(configuration: RegistryConfiguration, artifactFolder: string): void {
  const { artifact_roots, s3_roots, data_directory, artifact_store, s3_bucket = "", s3_prefix } = configuration;
  const own = [data_directory, artifactFolder].map((path) => resolve(path));
  check("artifact_roots", artifact_roots, own);
  if (artifact_store === "s3")
    check("s3_roots", s3_roots, [s3_prefix === "" ? s3_bucket : `${s3_bucket}/${s3_prefix}`]);
}

function check(key: string, roots: readonly string[], own: readonly string[]): void {
  for (const root of roots) {
    const other = own.find((path) => overlap(root.split("/"), path.split("/")));
    if (other === undefined) continue;
    throw new ConfigurationError(
      `"${key}" names ${root}, where the registry's own files are (${other}). Name another.`,
    );
  }
}

/** Whether one of two places is, or for some tenant can be, inside of the other. */
function overlap(root: readonly string[], own: readonly string[]): boolean {
  return root.every((name, place) => {
    const other = own[place];
    return other === undefined || name === other || name.includes("{tenant}");
  });
}
