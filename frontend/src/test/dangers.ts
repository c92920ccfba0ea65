/**
 * Names what in a part of a page could run a script, or ask another host. It
 * refers to nothing outside itself, so that it can be sent to a browser.
 */
export function dangers(root: ParentNode): string[] {
  const found: string[] = [];
  const never =
    'script, iframe, frame, object, embed, style, link, meta, base, svg, math, video, audio, marquee, img, picture, template, noscript';
  for (const element of root.querySelectorAll(never)) found.push(`<${element.localName}>`);
  for (const element of root.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      const scheme = value.replace(/[\0- ]/g, '').toLowerCase();
      if (/^on/i.test(name) || name === 'srcdoc') found.push(`${element.localName} ${name}`);
      if (name === 'background' || name === 'action' || name === 'formaction' || (name === 'style' && /url\(/i.test(value)))
        found.push(`${element.localName} ${name}=${value}`);
      if (/^(javascript|vbscript|data):/.test(scheme)) found.push(`${element.localName} ${name}=${scheme}`);
    }
  }
  return found;
}
