/** A text longer than this, or of more lines, is cut short in the feed. */
const most = { characters: 600, lines: 9 };

/** As many lines at least are left when it is cut between paragraphs. */
const least = 3;

/**
 * The beginning of a text, up to the end of a paragraph if there is one in time, or
 * of a line, or at least of a word; undefined if that is all of it. The text is cut
 * and not its picture, so that no link is there to be reached with the keyboard that
 * cannot be seen.
 */
export function excerpt(text: string): string | undefined {
  const lines = text.split('\n', most.lines + 1);
  const beginning = lines.slice(0, most.lines);
  const joined = beginning.join('\n');
  if (joined.length > most.characters) {
    const cut = joined.slice(0, most.characters);
    return `${cut.slice(0, Math.max(cut.search(/\s\S*$/), 0)) || cut}…`;
  }
  if (lines.length <= most.lines) return undefined;
  const blank = lines.findLastIndex((line) => line.trim() === '');
  return blank < least ? joined : lines.slice(0, blank).join('\n');
}
