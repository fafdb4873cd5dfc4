import { storeConformance } from "../conformance/suite.ts";

const noDisk = "It keeps nothing on disk, and nobody else can open it.";

storeConformance(
  "memory",
  { create: async () => ({ config: { kind: "memory" }, remove: async () => undefined }) },
  {
    skip: [
      { category: "durability", reason: noDisk },
      { category: "head", reason: noDisk },
      { category: "disk-full", reason: noDisk },
      { category: "second-opener", reason: noDisk },
      { category: "newer-format", reason: noDisk },
    ],
  },
);
