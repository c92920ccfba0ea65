/** A text longer than this, or of more lines, is cut short in the feed. */
const most = { characters: 600, lines: 9 };

/**
 * The beginning of a text, up to the end of a line or at least of a word; undefined
 * if that is all of it. The text is cut and not its picture, so that no link is
 * there to be reached with the keyboard that cannot be seen.
 */
export function excerpt(text: string): string | undefined {
  const lines = text.split('\n', most.lines + 1);
  const beginning = lines.slice(0, most.lines).join('\n');
  if (beginning.length > most.characters) {
    const cut = beginning.slice(0, most.characters);
    return `${cut.slice(0, Math.max(cut.search(/\s\S*$/), 0)) || cut}…`;
  }
  return lines.length > most.lines ? beginning : undefined;
}
