import type { Expectation, Mutation } from "./store.ts";

/** A part of a commit. */
export interface Changes {
  readonly mutations: readonly Mutation[];
  readonly expectations: readonly Expectation[];
}
