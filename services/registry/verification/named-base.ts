import type { BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { fileMissing } from "../artifacts/artifact-errors.ts";
import type { ArtifactFiles } from "../artifacts/artifact-store.ts";
import { configurationReport, Faults } from "./faults.ts";
import { configurationPath } from "./inspection.ts";
import { readConfiguration, sizeProblem } from "./lora-configuration.ts";

type NamedBase = Pick<BaseModelReference, "name" | "revision">;

/**
 * What is said of the base model, and where nothing is said of its name or its revision what `adapter_config.json` has. Rejects with ADAPTER_FILE_MISSING,
 * ADAPTER_CONFIGURATION_INVALID, or what `ArtifactFiles` throws.
 */
export async function baseOf(files: ArtifactFiles, said: NamedBase | undefined): Promise<NamedBase> {
  const { name = "", revision = "" } = said ?? {};
  if (name !== "" && revision !== "") return { name, revision };
  const configured = await configuredBase(files, name);
  return { name: name || configured.name, revision: revision || configured.revision };
}

async function configuredBase(files: ArtifactFiles, said: string): Promise<NamedBase> {
  const file = (await files.list()).find(({ path }) => path === configurationPath);
  if (file === undefined) throw fileMissing(configurationPath);
  const report = configurationReport(new Faults(true));
  const tooLarge = sizeProblem(Number(file.byteCount));
  if (tooLarge !== undefined) report("", tooLarge);
  const configuration = readConfiguration(await files.read(configurationPath, 0, Number(file.byteCount)), report);
  if (configuration === undefined || (configuration.baseModel === "" && said === "")) {
    throw new ServiceError(
      "ADAPTER_CONFIGURATION_INVALID",
      "adapter_config.json: base_model_name_or_path is empty. Name the base model in the request.",
      { field: "base_model_name_or_path", problem: "is empty" },
    );
  }
  return { name: configuration.baseModel, revision: configuration.revision };
}
