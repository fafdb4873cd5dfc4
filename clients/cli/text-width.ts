/** What a terminal shows two columns wide: East Asian wide and fullwidth characters (UAX #11), emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2fb}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** What it shows in no column of its own. */
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

const characters = new Intl.Segmenter();

/** Columns of a terminal that a text takes. */
export function textWidth(text: string): number {
  if (isAscii(text)) return text.length;
  return Array.from(characters.segment(text)).reduce((width, { segment }) => width + characterWidth(segment), 0);
}

/** The beginning of a text that fits into so many columns, with … where there is more. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let cut = "";
  let left = width - 1;
  for (const { segment } of characters.segment(text)) {
    left -= characterWidth(segment);
    if (left < 0) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** @param character as a person counts: with its accents and joiners */
function characterWidth(character: string): number {
  if (wide.test(character)) return 2;
  return invisible.test(character) ? 0 : 1;
}

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}
