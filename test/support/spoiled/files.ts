import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { limits } from "../../../services/kit/limits.ts";
import { configuration, configured, type SpoiledCase, spoiledBase, weights } from "./case.ts";

const registered = (path: string, digest: string): ArtifactFile => ({ path, digest, byteCount: 0n });
const reference = { name: spoiledBase.name, revision: "", weightsDigest: "", tokenizerDigest: "" };

/** Files, and what was said of them. */
export const spoiledFiles: Readonly<Record<string, SpoiledCase>> = {
  "a flipped byte after it was registered": {
    spoil: (adapter) => adapter.data.writeUInt8(adapter.data.readUInt8(7) ^ 1, 7),
    declared: { files: [registered(configuration, ""), registered(weights, "a".repeat(64))] },
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: weights, expected: "a".repeat(64) },
  },
  "a file less than it was registered with": {
    declared: { files: [registered(configuration, ""), registered(weights, ""), registered("tokenizer.json", "")] },
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: "tokenizer.json" },
  },
  "a file more than it was registered with": {
    spoil: (adapter) => adapter.text("tokenizer.json", "{}"),
    declared: { files: [registered(configuration, ""), registered(weights, "")] },
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: "tokenizer.json", expected: "no file" },
  },
  "another base model": {
    spoil: configured({ base_model_name_or_path: "tiny/mistral" }),
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "base_model_name_or_path", expected: "tiny/llama", actual: "tiny/mistral" },
  },
  "another revision of the base model": {
    spoil: configured({ revision: "v2" }),
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "revision", expected: "main", actual: "v2" },
  },
  "other weights of the base model": {
    declared: { baseModel: { ...reference, weightsDigest: "c".repeat(64) } },
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "base_model.weights_digest", actual: "c".repeat(64) },
  },
  "another tokenizer": {
    declared: { baseModel: { ...reference, tokenizerDigest: "d".repeat(64) } },
    reason: "TOKENIZER_MISMATCH",
    metadata: { actual: "d".repeat(64) },
  },
  "a method that it does not have": {
    declared: { method: Method.METHOD_DORA },
    reason: "FIELD_INVALID",
    metadata: { field: "method", value: "METHOD_DORA" },
  },
  "a pickle": {
    spoil: (adapter) => adapter.text("adapter_model.bin", "\x80\x02}q\x00."),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "adapter_model.bin" },
  },
  "a pickle under another name": {
    spoil: (adapter) =>
      adapter.files.set(weights, Buffer.from("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}.", "latin1")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: weights },
  },
  "what torch.save writes, under another name": {
    spoil: (adapter) => adapter.text(weights, "PK\x03\x04archive/data.pkl"),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: weights },
  },
  "a link": {
    spoil: (adapter) => () => symlink("/etc/hostname", join(adapter.folder, "notes.txt")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "notes.txt" },
  },
  "a folder that is a link": {
    spoil: (adapter) => () => symlink("/etc", join(adapter.folder, "more")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "more" },
  },
  "too many files": {
    spoil:
      ({ folder }) =>
      async () => {
        await mkdir(join(folder, "many"));
        for (let number = 0; number <= limits.artifact_files; number++)
          await writeFile(join(folder, "many", `${number}`), "");
      },
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "artifact_files" },
  },
  "no configuration": {
    spoil: (adapter) => adapter.files.delete(configuration),
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: configuration },
  },
  "no weights": {
    spoil: (adapter) => adapter.files.delete(weights),
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: weights },
  },
};
