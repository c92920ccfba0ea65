/**
 * What one text may have at most. Beyond it the parser takes seconds, and in the end the
 * whole stack or all memory: `>` 3,000 times is enough. Who writes for people gets
 * nowhere near. 20,000 characters of the worst below it take about a second.
 */
const most = { depth: 50, containers: 2_000, lines: 2_000, cells: 20_000, marks: 1_000 };

/** The quotes and lists, one within the other, with which a line begins. */
const containers = /^(?:[ \t]*(?:>|(?:[*+-]|\d{1,9}[.)])(?=[ \t]|$)))+/;

/** A line with nothing in it, or before an item of a list. */
const paragraphEnd = /(?:\r\n?|\n)(?:[ \t]*(?:\r\n?|\n)| {0,3}[*+-][ \t]+(?=\S))/;

/** Whether a text is too much for Markdown, and so is to be shown as it was written. */
export function isIntricate(text: string): boolean {
  const lines = text.split(/\r\n?|\n/);
  if (lines.length > most.lines) return true;
  const depths = lines.map((line) => count(containers.exec(line)?.[0] ?? '', />|[*+-]|\d+/g));
  if (Math.max(...depths) > most.depth || depths.reduce((a, b) => a + b) > most.containers) return true;
  // Each row of a table is filled up to the width of the widest.
  const widest = Math.max(...lines.map((line) => count(line, /\|/g)));
  if (lines.length * widest > most.cells) return true;
  // Within a paragraph all that may open something is tried with all that may close it.
  return text.split(paragraphEnd).some((paragraph) => count(paragraph, /[*_~`<[\]]/g) > most.marks);
}

const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;
