import { checkGrowing } from "./limited-text.ts";
import { compilePath, type Fields } from "./path.ts";

/** Prints `"metadata":{…}` of the fields that the record has, in the order given; empty where it has none. A field is named by its whole path. */
export function compileMetadata(paths: readonly string[]): (fields: Fields) => string {
  const readers = paths.map((path) => ({ prefix: `${JSON.stringify(path)}:`, read: compilePath(path) }));
  return (fields) => {
    let text = "";
    for (const { prefix, read } of readers) {
      const value = read(fields);
      if (value !== undefined) {
        text += (text === "" ? "" : ",") + prefix + JSON.stringify(value);
        checkGrowing(text);
      }
    }
    return text === "" ? "" : `"metadata":{${text}}`;
  };
}
