import { checkGrowing } from "./limited-text.ts";
import { compilePath, type Fields, type PathReader, pathProblem } from "./path.ts";

interface Placeholder {
  readonly path: string;
  readonly read: PathReader;
  /** Text between this placeholder and the next. */
  readonly after: string;
}

export type TemplateResult = { readonly text: string } | { readonly missingPath: string };

/** Why a text is no template, or undefined. */
export function templateProblem(template: string): string | undefined {
  for (const piece of template.split("{{").slice(1)) {
    const end = piece.indexOf("}}");
    if (end < 0) {
      return "has a {{ without }}";
    }
    const problem = pathProblem(piece.slice(0, end).trim());
    if (problem !== undefined) {
      return `has the path "${piece.slice(0, end).trim()}", which ${problem}`;
    }
  }
  return undefined;
}

/** Fills `{{dotted.path}}`: text as it is, everything else as JSON; missing or null fails. The template must have no problem. */
export function compileTemplate(template: string): (fields: Fields) => TemplateResult {
  const [start = "", ...pieces] = template.split("{{");
  const placeholders = pieces.map(compilePlaceholder);
  return (fields) => {
    let text = start;
    for (const { path, read, after } of placeholders) {
      const value = read(fields);
      if (value === undefined || value === null) {
        return { missingPath: path };
      }
      text += (typeof value === "string" ? value : JSON.stringify(value)) + after;
      checkGrowing(text);
    }
    return { text };
  };
}

function compilePlaceholder(piece: string): Placeholder {
  const end = piece.indexOf("}}");
  const path = piece.slice(0, end).trim();
  return { path, read: compilePath(path), after: piece.slice(end + 2) };
}
