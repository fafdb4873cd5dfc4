/** The fields of a record, as `JSON.parse` gives them. */
export type Fields = Readonly<Record<string, unknown>>;

export type PathReader = (fields: Fields) => unknown;

/** Why a text is no dotted path, or undefined. */
export function pathProblem(path: string): string | undefined {
  if (path === "") {
    return "is empty";
  }
  return path.split(".").includes("") ? "has an empty step" : undefined;
}

/**
 * Reads a dotted path (`meta.title`, `messages.0.content`): own properties only, so `__proto__` and `constructor` are plain names.
 * Undefined where a step is missing.
 */
export function compilePath(path: string): PathReader {
  const [first, ...rest] = path.split(".").map(compileStep);
  if (first === undefined || rest.length === 0) {
    return first ?? (() => undefined);
  }
  return (fields) => {
    let value = first(fields);
    for (const step of rest) {
      if (value === null || typeof value !== "object") {
        return undefined;
      }
      value = step(value as Fields);
    }
    return value;
  };
}

function compileStep(name: string): PathReader {
  const inherited = name in Object.prototype || name in Array.prototype;
  return inherited ? (fields) => ownOf(fields, name) : (fields) => fields[name];
}

function ownOf(fields: Fields, name: string): unknown {
  return !Array.isArray(fields) && Object.hasOwn(fields, name) ? fields[name] : undefined;
}
