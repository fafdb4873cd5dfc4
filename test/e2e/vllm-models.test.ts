import { expect, test } from "vitest";
import { modelWithAdapters, withEmbeddings } from "../../services/registry/verification/vllm-models.ts";
import { hasVllm, modelsOfVllm } from "../support/peft-adapters.ts";

test.runIf(hasVllm)("vLLM registers with adapters what is said to have them, and nothing else", async () => {
  const models = Object.entries(await modelsOfVllm());
  expect(models.length).toBeGreaterThan(200);
  for (const [architecture, { adapters, embeddings }] of models) {
    expect.soft(modelWithAdapters(architecture), architecture).toBe(adapters ? architecture : undefined);
    if (withEmbeddings.has(architecture)) expect.soft(embeddings, architecture).toEqual(["embed_tokens", "lm_head"]);
  }
});
