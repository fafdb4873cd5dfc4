const highSurrogate = /[\ud800-\udbff]/;
const nonWhiteSpace = /\S/;

/** Length in Unicode code points. The test is nearly free for text that V8 keeps in one byte a character. */
export function codePoints(text: string): number {
  if (!highSurrogate.test(text)) {
    return text.length;
  }
  let count = text.length;
  for (let place = 0; place < text.length - 1; place += 1) {
    if (isPair(text, place)) {
      count -= 1;
      place += 1;
    }
  }
  return count;
}

function isPair(text: string, place: number): boolean {
  return (text.charCodeAt(place) & 0xfc00) === 0xd800 && (text.charCodeAt(place + 1) & 0xfc00) === 0xdc00;
}

/** True for text without any non-white-space. */
export function isBlank(text: string): boolean {
  return !nonWhiteSpace.test(text);
}
