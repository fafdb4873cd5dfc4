import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

type Cel = typeof import("@bufbuild/cel");
type Protobuf = typeof import("@bufbuild/protobuf");
type WellKnownTypes = typeof import("@bufbuild/protobuf/wkt");

/** The CEL library, loaded when the first filter needs it: it takes 35 MB in every thread. */
export const filterLibrary = {
  get cel(): Cel {
    return require("@bufbuild/cel") as Cel;
  },
  get protobuf(): Protobuf {
    return require("@bufbuild/protobuf") as Protobuf;
  },
  get wellKnownTypes(): WellKnownTypes {
    return require("@bufbuild/protobuf/wkt") as WellKnownTypes;
  },
};
