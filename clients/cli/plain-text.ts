/** Characters that move a cursor, end a line, or turn the direction of what follows. */
const moving = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;

/** What somebody has written moves no cursor and ends no line. */
export function toOneLine(text: string): string {
  return text.replace(moving, " ");
}

/** As `toOneLine`, where the lines are ours. */
export function toPlainLines(text: string): string {
  return text.split("\n").map(toOneLine).join("\n");
}

/** JSON whose strings hold such characters only escaped. */
export function toPlainJson(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Tokens without their secret part: the id is public. */
export function withoutSecrets(text: string): string {
  return text.replace(/(ll_[a-z2-7]{12}_)[\w-]+/g, "$1…");
}
