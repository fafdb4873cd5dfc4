import type { Changes } from "../../store/commit-changes.ts";
import type { Mutation } from "../../store/store.ts";

export const noChanges: Changes = { mutations: [], expectations: [] };

/** All of them in one. A key that several parts write is written as the first of them has it. */
export function together(...parts: readonly Changes[]): Changes {
  const written = new Map<string, Mutation>();
  for (const mutation of parts.flatMap(({ mutations }) => mutations)) {
    const key = Buffer.from("put" in mutation ? mutation.put : mutation.delete).toString("latin1");
    if (!written.has(key)) written.set(key, mutation);
  }
  return { mutations: [...written.values()], expectations: parts.flatMap(({ expectations }) => expectations) };
}
