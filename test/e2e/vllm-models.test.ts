import { expect, test } from "vitest";
import {
  isBesideLanguage,
  modelWithAdapters,
  withEmbeddings,
} from "../../services/registry/verification/vllm-models.ts";
import { hasVllm, modelsOfVllm } from "../support/peft-adapters.ts";

test.runIf(hasVllm)("vLLM registers with adapters what is said to have them, and nothing else", async () => {
  const models = Object.entries(await modelsOfVllm());
  expect(models.length).toBeGreaterThan(200);
  for (const [architecture, { adapters, embeddings, beside }] of models) {
    expect.soft(modelWithAdapters(architecture), architecture).toBe(adapters ? architecture : undefined);
    if (withEmbeddings.has(architecture)) expect.soft(embeddings, architecture).toEqual(["embed_tokens", "lm_head"]);
    // Models for language have these too.
    const own = adapters ? beside.filter((name) => !["encoder", "projector"].includes(name)) : [];
    for (const name of own) expect.soft(isBesideLanguage(`${name}.layer`), `${architecture}: ${name}`).toBe(true);
  }
  expect(models.flatMap(([, { beside }]) => beside)).toContain("visual");
});
