/**
 * What a part of a page shows: its text with a gap where a block, a cell or a line
 * ends, and where its links lead. It refers to nothing outside itself, so that it
 * can be sent to a browser.
 */
export function shown(root: Element): { text: string; hosts: string[]; links: number; here: string } {
  const inline = new Set(['a', 'em', 'strong', 'del', 'code', 'span', 'input']);
  const read = (node: Node): string => {
    if (node.nodeType === 3) return (node as Text).data;
    if (node.nodeType !== 1) return '';
    const text = [...node.childNodes].map(read).join('');
    return inline.has((node as Element).localName) ? text : `\n${text}\n`;
  };
  const links = [...root.querySelectorAll('a[href]')] as HTMLAnchorElement[];
  const mail = /@([^?&,\s]+)/g;
  const hosts = links.flatMap((link) =>
    link.protocol === 'mailto:' ? [...decodeURIComponent(link.href).matchAll(mail)].map((found) => found[1] ?? '') : [link.hostname],
  );
  return { text: read(root), hosts: hosts.filter((host) => host !== ''), links: links.length, here: location.hostname };
}

/** A text and its reading by the moderator, as the Go tests write them. */
export interface Reading {
  source: string;
  visible?: string[];
  stripped?: string;
  links: number;
  hosts?: string[];
  tooComplex?: boolean;
}

/** The words of a text, without what cannot be seen. */
export const words = (text: string): string[] =>
  text
    .replace(/[\p{Cf}\p{Variation_Selector}\u034f]/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];

/** What the page shows and the reading lacks, so that no rule would find it. */
export function missed(reading: Reading, { text, hosts, links, here }: ReturnType<typeof shown>): string[] {
  if (reading.tooComplex) return []; // is held
  const read = new Set(words([reading.source, ...(reading.visible ?? []), reading.stripped ?? '', 'Footnotes'].join('\n')));
  // The page gives footnotes their numbers.
  const isNumbered = (word: string) => reading.source.includes('[^') && (/^\d+$/.test(word) || read.has(word.replace(/\d+/g, '')));
  const missing = words(text).filter((word) => !read.has(word) && !isNumbered(word));
  const written = (reading.source.match(/https?:\/\/|www\./gi) ?? []).length;
  // The page's own host is where a broken address leads, and nobody can have a host with other characters.
  const real = hosts.map((host) => host.replace(/\.+$/, '').toLowerCase()).filter((host) => /^([\w.-]+|\[.*\])$/.test(host) && host !== here);
  const unknown = real.filter((host) => !reading.hosts?.includes(host));
  return [
    ...missing.map((word) => `word ${word}`),
    ...unknown.map((host) => `host ${host}`),
    ...(links > Math.max(reading.links, written) ? [`${links} links, not ${Math.max(reading.links, written)}`] : []),
  ];
}

/** A disguised word, and what the moderator says of it, as the Go tests write them. */
export interface Disguise {
  kind: string;
  word: string;
  source: string;
  status: string;
}
