const run = 'alert(1)';

const events = [
  `<img src=x onerror=${run}>`,
  `<IMG SRC=x OnErRoR=${run}>`,
  `<img src=x onerror="&#97;lert(1)">`,
  `<img/src="x"/onerror=${run}>`,
  `<image src=x onerror=${run}>`,
  `<script src=x onerror=${run}></script>`,
  `<link rel=stylesheet href=x onerror=${run}>`,
  `<iframe onload=${run}></iframe>`,
  `<img src=x\nonerror=${run}>`,
  `<img src="x\`onerror=1" onerror=${run}>`,
  `<svg onload=${run}>`,
  `<svg/onload=${run}//>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
  `<svg><set onbegin=${run} attributeName=x to=1>`,
  `<body onload=${run}><p onclick=${run}>x</p>`,
  `<p onmouseover=${run}>over me</p>`,
  `<a onfocus=${run} autofocus tabindex=1>x</a>`,
  `<input onfocus=${run} autofocus>`,
  `<select onfocus=${run} autofocus></select>`,
  `<textarea onfocus=${run} autofocus></textarea>`,
  `<details open ontoggle=${run}>x</details>`,
  `<video src=x onerror=${run}></video>`,
  `<video><source onerror=${run} src=x></video>`,
  `<audio src=x onerror=${run}></audio>`,
  `<style>@keyframes x{}</style><b style=animation:x onanimationstart=${run}>x`,
  `<button popovertarget=x>x</button><b popover id=x onbeforetoggle=${run}>y</b>`,
  `<div contenteditable onbeforeinput=${run}>x</div>`,
  `"><img src=x onerror=${run}>`,
  `'><img src=x onerror=${run}>`,
  `--><img src=x onerror=${run}>`,
  `</title><img src=x onerror=${run}>`,
  `</textarea><img src=x onerror=${run}>`,
  `]]><img src=x onerror=${run}>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>">x</p></noscript>`,
];

const elements = [
  `<script>${run}</script>`,
  `<ScRiPt>${run}</sCrIpT>`,
  `<script src=data:text/javascript,${run}></script>`,
  `</script><script>${run}</script>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><script href=data:text/javascript,${run} /></svg>`,
  `<math><mtext><script>${run}</script></mtext></math>`,
  `<iframe src=javascript:${run}></iframe>`,
  `<iframe srcdoc="<script>${run}</script>"></iframe>`,
  `<object data="data:text/html,<script>${run}</script>"></object>`,
  `<form action=javascript:${run}><button>x</button></form>`,
  `<form><button formaction=javascript:${run}>x</button></form>`,
  `<template><b></b></template><script>${run}</script>`,
  `<a href=javascript:${run}>x</a>`,
  `<map><area href=javascript:${run}></map>`,
  `<a href="java\tscript:${run}">x</a>`,
  `<a href="&#106;avascript:${run}">x</a>`,
  `<a href=" javascript:${run}">x</a>`,
  `<svg><a xlink:href=javascript:${run}><text y=9>x</text></a></svg>`,
];

const markdown = [
  `[x](javascript:${run})`,
  `[x](JaVaScRiPt:${run})`,
  `[x](javascript&colon;${run})`,
  `[x](&#106;&#97;vascript:${run})`,
  `[x](&#x6A;avascript:${run})`,
  `[x](<javascript:${run}>)`,
  `[x](<JAVASCRIPT:${run}> 'y')`,
  `[x]\n\n[x]: javascript:${run}`,
  `[x][y]\n\n[y]: <javascript:${run}>`,
  `<javascript:${run}>`,
  `[![x](x)](javascript:${run})`,
  `**[x](javascript:${run})**`,
  `> [x](javascript:${run})`,
  `- <img src=x onerror=${run}>`,
  `1. <svg onload=${run}>`,
  `[<img src=x onerror=${run}>](x)`,
  `***<svg onload=${run}>***`,
  `# <img src=x onerror=${run}>`,
  `a\n\n<div>\n\n[x](javascript:${run})\n\n</div>`,
];

/** Texts that would tell another host who reads them. */
const elsewhere = 'https://other.example';
export const leaks = [
  `![x](${elsewhere}/p.png)`,
  `![x][y]\n\n[y]: ${elsewhere}/p.png`,
  `[![x](${elsewhere}/p.png)](https://x.example)`,
  `<img src=//other.example/p.png>`,
  `<img srcset="${elsewhere}/p.png 1x">`,
  `<picture><source srcset=${elsewhere}/p><img></picture>`,
  `<svg><image href=${elsewhere}/p.png /></svg>`,
  `<video poster=${elsewhere}/p.png></video>`,
  `<audio src=${elsewhere}/p autoplay></audio>`,
  `<iframe src=${elsewhere}></iframe>`,
  `<embed src=${elsewhere}>`,
  `<object data=${elsewhere}></object>`,
  `<link rel=stylesheet href=${elsewhere}/p.css>`,
  `<style>@import "${elsewhere}/p.css";</style>`,
  `<div style="background:url(${elsewhere}/p.png)">x</div>`,
  `<table background=${elsewhere}/p.png><tr><td>x</table>`,
  `<base href=${elsewhere}/><img src=p.png>`,
  `<meta http-equiv=refresh content="0;url=${elsewhere}/">`,
  `<script src=${elsewhere}/p.js></script>`,
  `<form action=${elsewhere}><button>x</button></form>`,
];

/** What Chromium does not run, but something else may: seen by what it leaves in the page. */
const dormant = [
  `<marquee onstart=${run}>x</marquee>`,
  `<object data=javascript:${run}></object>`,
  `<embed src=javascript:${run}>`,
  `<meta http-equiv=refresh content="0;url=javascript:${run}">`,
  `<math href=javascript:${run}>x</math>`,
  `![x](javascript:${run})`,
  `![x][y]\n\n[y]: javascript:${run}`,
  `<style>@import 'data:text/css,x';*{x:y}</style>`,
  `<link rel=stylesheet href=data:text/css,x>`,
  `<a href=vbscript:msgbox(1)>x</a>`,
  `<div style="background:url(x)"><portal src=javascript:${run}></portal></div>`,
  `[x](vbscript:msgbox(1))`,
  `[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`,
  `<a href="data:text/html,<script>${run}</script>">x</a>`,
  `<base href=javascript:${run}//>`,
];

/** Texts that would run a script in a page that lets markup through: each does so in Chromium, which is shown in e2e. */
export const scripts = [...events, ...elements, ...markdown];

export const payloads = [...scripts, ...leaks, ...dormant];

const times = (text: string, n: number) => text.repeat(n);

/** A table of very many cells, few of which are written. */
const table = (columns: number, rows: number) => `${times('|a', columns)}\n${times('|-', columns)}|\n${times('|\n', rows)}`;

/** Texts of the length of a comment that would take a parser of Markdown very long, or all of its stack or memory. */
export const heavy = {
  quotes: times('>', 5_000),
  'quotes apart': times('> ', 2_500),
  lists: times('- ', 2_500),
  numbers: times('1) ', 1_666),
  'quotes and lists': times('> - ', 1_250),
  'many deep lines': times(`${times('- ', 20)}a\n`, 119),
  table: table(500, 1_249),
  brackets: times('[', 5_000),
  pictures: times('![', 2_500),
  links: times('[a](', 1_250),
  stars: times('****', 1_250),
  emphasis: times('*a', 2_500),
  'mixed emphasis': times('*_', 2_500),
  underlines: times('=\n', 2_499),
  headings: times('a\n=\n', 1_250),
};
