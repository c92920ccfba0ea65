package markdown

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/corpus.json anew")

const corpusFile = "testdata/corpus.json"

// corpusEntry is a text and its reading, which the tests of the web app hold against
// the page: frontend/src/test/corpus.test.tsx.
type corpusEntry struct {
	Source   string   `json:"source"`
	Visible  []string `json:"visible,omitempty"`
	Stripped string   `json:"stripped,omitempty"`
	// Links is the greatest number of links that the text may have on the page, and
	// Hosts are those that they may lead to.
	Links      int      `json:"links"`
	Hosts      []string `json:"hosts,omitempty"`
	TooComplex bool     `json:"tooComplex,omitempty"`
}

func corpusEntryOf(source string) corpusEntry {
	r := Read(source)
	e := corpusEntry{Source: source, Visible: r.Visible, Stripped: r.Stripped, TooComplex: r.TooComplex, Links: len(r.Targets) + len(r.Suspected)}
	for _, target := range append(r.Targets, r.Suspected...) {
		e.Hosts = append(e.Hosts, target.Hosts...)
	}
	slices.Sort(e.Hosts)
	e.Hosts = slices.Compact(e.Hosts)
	return e
}

// TestCorpus_IsUpToDate fails if the readings have changed since the corpus was
// written. Run it with -update, and then the tests of the web app.
func TestCorpus_IsUpToDate(t *testing.T) {
	sources := corpusSources(t)
	if len(sources) < 1_400 {
		t.Errorf("the corpus has only %d texts", len(sources))
	}
	entries := make([]corpusEntry, len(sources))
	for i, source := range sources {
		entries[i] = corpusEntryOf(source)
	}
	want := encodeLines(t, entries)
	if *update {
		if err := os.WriteFile(corpusFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(corpusFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is out of date (%v): run this test with -update", corpusFile, err)
	}
}

// encodeLines returns a JSON array with an element in each line.
func encodeLines[T any](t *testing.T, all []T) []byte {
	t.Helper()
	lines := make([]string, len(all))
	for i, one := range all {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(one); err != nil {
			t.Fatal(err)
		}
		lines[i] = strings.TrimSpace(b.String())
	}
	return []byte("[\n" + strings.Join(lines, ",\n") + "\n]\n")
}

func corpusSources(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/commonmark.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct{ Examples []string }
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(spec.Examples, linkTexts(), markupTexts(), randomTexts(500))
	var few []string
	for _, text := range hostile(240) {
		if len(text) < 2_000 {
			few = append(few, text)
		}
	}
	slices.Sort(few)
	return append(all, few...)
}

// linkTexts are the ways in which a text can link to a host.
func linkTexts() []string {
	var all []string
	for n, address := range []string{
		"https://casino.example", "http://casino.example/", "HTTPS://CASINO.EXAMPLE", "https:casino.example", "https:/casino.example", `https:\\casino.example`, `https:\casino.example`, `https:/\casino.example`,
		"https:///casino.example", "https://casino.example:8443/a?b#c", "https://casino.example.", "https://casino.example..", "https://ok.example@casino.example", "https://ok.example:pw@casino.example/@other.example",
		`https://casino.example\@ok.example`, "https://casino.example?@ok.example", "https://casino.example#@ok.example", "https://%63asino.example", "https://casino%2eexample", "https://casino%2Fexample",
		"https://ｃａｓｉｎｏ．example", "https://casino。example", "https://cas\u00adino.example", "https://cas\u200bino.example", "https://bücher.example", "https://xn--bcher-kva.example", "https://BÜCHER.example", "https://faß.example", "https://пример.example",
		"http://127.0.0.1", "http://0x7f.1", "http://2130706433", "http://0177.0.0.01", "http://127.1", "http://256.256.256.256", "http://[::1]/", "http://[::ffff:1.2.3.4]", "https://", "https://:80", "https://casino .example",
		"https://a_b.example", "https://-a.example", "https://localhost", "https&#58;//casino.example", "https&colon;//casino.example", "https:&#47;&sol;casino.example", "&#104;ttps://casino.example", "https://casino&period;example", "https://cas&#105;no.example", "https://casino&#46;example",
		"https&#x3a;&#9;//casino.example", "h&Tab;ttps://casino.example", "https:/&Tab;/casino.example", "https:&NewLine;//casino.example", "https&#58//casino.example", `https\://casino.example`, `https:\/\/casino.example`, `https://casino\.example`,
		"www.casino.example", "WWW.CASINO.EXAMPLE", `www\.casino.example`, "www&#46;casino.example", "w&#119;w.casino.example", "www.www.casino.example", "ewww.casino.example", "www.casino", "www..casino.example",
		"a@casino.example", "a&commat;casino.example", `a\@casino.example`, "a@casino&#46;example", "a.b+c@casino.example", "mailto:a@casino.example", "mailto:a@casino.example?cc=b@other.example", "mailto:a@ok.example,b@casino.example", "xmpp:a@casino.example/x", "mailto&#58;a@casino.example", "a@casino.example_", "a@casino.example-",
		"//casino.example", "/\\casino.example", "javascript:alert(1)//https://casino.example", "ftp://casino.example", "data:text/html,https://casino.example", "http:www.casino.example", "https://a.example,https://casino.example", "https&#58;//x,https://casino.example", "https&#58;//x/a@casino.example", "https://x/a@casino.example",
		"https&#58;//casino.example<b>", "https&#58;//ok.example<@casino.example", "https&#58;//casino.example*x*", "https&#58;//casi*no.example*", "https&#58;//casino.example`x`", "https&#58;//casino.example)", "https&#58;//casino.example]", "https&#58;//casino.example、", "https://casino.example，中文", "https://casino.example”", "https://user@casino.example", "https&#58;//user@casino.example", "https&#58;//casino.exampl&#101;https://other.example", "https&#58;//casino.exampl&#101;www.other.example", "https&#58;//casino.example|a@other.example",
	} {
		for i, form := range linkForms {
			if i < 4 || (i+n)%5 == 0 {
				all = append(all, fmt.Sprintf(form, address))
			}
		}
	}
	return all
}

// linkForms are the places where an address may stand: the first with each address,
// the others in turn.
var linkForms = []string{
	"%s", "<%s>", "[x](%s)", "[x](<%s>)", "see %s now", "中%s", "看%s页", "x%s", "(%s)", "*%s*", "“%s”", "![x](%s)", "![](%s)", "[](%s)", "[x][1]\n\n[1]: %s",
	"[1]\n\n[1]: <%s> 'title'", "# %s", "> - %s", "|a|\n|-|\n|%s|", "[%s", "[%s]", "`%s`", "~~%s~~", "_%s_",
}

// markupTexts are texts on which parsers disagree, or did.
func markupTexts() []string {
	return []string{
		"racism", "two  words", "a\r\nb\rc", "tab\tone", "\tcode", "    code\n\ttoo", "a\u2028b", "a\u00a0b", "a\x00b", "\ufeffa", "&#0;", "&#xd800;", "&#1234567;", "&#12345678;", "&#x1234567;", "&amp;#105;", "&notanentity;", "&copy", "rac&#105sm", "rac&#0000105;sm", "rac&#000000105;sm", "rac&#X69;sm", "rac&#x000069;sm", "rac&#x0000069;sm",
		"ra*ci*sm", "ra_ci_sm", "ra__ci__sm", "ra~ci~sm", "ra~~ci~~sm", "ra~~~ci~~~sm", "*ra*cism", "**ra**cism", "**ra** cism", "这是**“ra”**cism", "**ra。**cism", "中*，*文", "a*\"b\"*c", "ra*ci**sm***", "***ra**ci*sm", "*ra_ci*sm_", "a**b**", "ra~ci~~sm~", "~ra ~cism", "ra*ci\n*sm", "ra`ci`sm", "ra``c`i``sm", "ra` `cism", "ra`\n`cism", "`ra`cism`", `ra\*ci\*sm`, `\ra\cism`, "ra\\\ncism", "ra  \ncism", "ra\ncism",
		"ra[ci](x)sm", "ra[ci](<x y>)sm", "ra[ci](x 'y')sm", `ra[ci](x "y")sm`, "ra[ci](x (y))sm", "ra[ci](x 'y'z)sm", "ra[ci](x y)sm", "ra[ci]( x )sm", "ra[ci](\nx\n)sm", "ra[ci]()sm", "ra[ci](<>)sm", "ra[ci](a(b)c)sm", "ra[ci](a(bc)sm", "ra[ci] (x)sm", "ra[ci][]sm\n\n[ci]: x", "ra[ci]sm\n\n[ci]: x", "ra[ci][a]sm\n\n[a]: x", "ra[ci][A]sm\n\n[a]: x", "ra[ci][ß]sm\n\n[SS]: x", "ra[ci][a]sm\n\n[b]: x", "ra[ci][a\nb]sm\n\n[a b]: x", "ra[c[i](x)s](y)m", "ra[c![i](x)s](y)m", "ra[c*i](x)s*m", "ra*[c*i](x)sm", "[ra](x)[cism](y)", "ra[](x)cism", "ra[ ](x)cism", "[a]: x\nracism", "racism\n[a]: x", "[racism]: x", "[rac&#105;sm]: x\n\n[rac&#105;sm]", "[a]: x 'rac&#105;sm'\n\n[a]", "[a]: x\n'rac&#105;sm'", "[a]: x 'rac&#105;sm' y", "[a]:\nx", "[a]: <x y", "[\na]: x\n\n[a]", "[a]: x\n[b]: y\nrac&#105;sm", "# [a]: x\nrac&#105;sm",
		"ra![ci](x)sm", "ra![](ci)sm", "ra![](x:ci)sm", "ra![c*i*](x)sm", "ra![c[i](y)](x)sm", "ra![c`i`](x)sm", "ra![c<b>i](x)sm", "ra![c&#105;](x)sm", "ra![ci][a]sm\n\n[a]: x", "ra![a]cism\n\n[a]: x", "![a\nb](x)", "![rac\\\nism](x)", "ra![](<c i>)sm", "ra![](c%69)sm", "ra![](javascript:ci)sm", "[![racism](x)](y)",
		"ra[^1]cism\n\n[^1]: x", "ra[^1]cism", "ra[^1]cism\n\n[^1]:x", "ra[^a b]cism\n\n[^a b]: x", "a[^1]\n\n[^1]: rac&#105;sm\n    more\n\n    par", "a[^1] b[^1]\n\n[^1]: ra[^2]cism\n\n[^2]: y", "[^1]: rac&#105;sm", "a[^x]\n\n[^x]: y\nlazy", "ra^[ci]sm", "ra[^]cism", "[^a](x)", "![^1](x)\n\n[^1]: y", "[a][^1]\n\n[^1]: b", "a[^1]\n\n> [^1]: rac&#105;sm", "- [^1]: rac&#105;sm\n\na[^1]", "a[^A]\n\n[^a]: rac&#105;sm", "a[^1]\n[^1]: rac&#105;sm",
		"ra<b>ci</b>sm", "ra<!-- x -->cism", "ra<!---->cism", "ra<!-->cism", "<!-- a\nb -->\nracism", "<!-- rac&#105;sm", "<div>rac&#105;sm</div>\n\nrac&#105;sm", "<div>\n*rac*ism", "<p>ra\ncism</p>", "ra<br>cism", "ra<br/>cism", "<script>\nrac&#105;sm\n\n*a*\n</script>\n*b*", "<pre>\n\n*a*", "a <b\nc> d", "*a <b *c> d*", "<a href='*'>*", "ra<?x?>cism", "ra<![CDATA[x]]>cism", "ra<!X>cism", "<style>*a*</style> *b*", "<b>*a*</b>", "<div>\n\n*a*\n\n</div>", "  <div>\n*a*\n", "a\n<div>\n*b*", "a\n<b>\n*c*", "<textarea>\n*a*", "</b>\n*a*", "<x-y>\n*a*", "# a <b> c", "|a <b>|\n|-|\n|c|",
		"|rac|ism|\n|-|-|\n|a|b|", "|a|\n|-|\n|rac&#105;sm|", "|a|b|\n|-|\n", "a|b\n-|-\nrac&#105;sm|c|d", "|a|\n|:-:|\n|b\nc", "|a|\n|-|\n\nrac&#105;sm", "|a\\|b|\n|-|\n|c|", "|`a|b`|c|\n|-|-|\n|d|", "x\n|a|\n|-|\n|b|", "|a|\n|-|\n> b", "|a|\n|-|\n# b", "| a |\n| - |\n| ra*ci*sm |", "a\n-", "a\n-|", "|a|\n-\n", "|-|\n|-|", "- |a|\n  |-|\n  |b|", "|a|\r\n|-|\r\n|b|",
		"# rac&#105;sm", "#racism", "# ra*ci*sm #", "####### a", "ra*ci*sm\n===", "ra\ncism\n---", "> ra*ci*sm", ">ra\ncism", "> - > ra*ci*sm", "- ra*ci*sm\n\n      code", "1) ra*ci*sm", "1. a\n1) b", "10000000000. a", "- [ ] ra*ci*sm", "- [x]racism", "- [X] a", "* [ ] a", "- [ ]", "+ a\n- b", "***\na\n* * *", "-\n  a", "- a\n\n\n  b", "```\nrac&#105;sm\n```", "~~~ x\n*a*\n~~~\n*b*", "```a`b\n*c*", "    ra*ci*sm", "a\n    b", "``` rac&#105;sm\nx\n```",
		"\u202emsicar", "&#x202e;msi*car*", "\u2067\u2066cism\u2069\u2066ra\u2069\u2069", "ra\u200bcism", "rac&shy;ism", "ra&zwj;cism", "ra\u034fcism", "ra\ufe0fcism", "ra\U000e0061cism", "ra\u3164cism", "ra&NoBreak;cism", "ra&nbsp;cism", "&rfr;&afr;&cfr;&ifr;&sfr;&mfr;",
		"*a\n\nb*", "**a", "a**", "_a_b_", "a\\", "\\", "`", "``", "[", "]", "![", "](", "[](", "<", ">", "&", "&#", "&#x;", "#", "-", "+", "1.", "|", "~", "~~", "=", ":", "::", "- - -", "[[a]](b)", "[a](b)(c)", "[a][b][c]\n\n[b]: x\n[c]: y", "*[a*](b)", "[a](b`c)`", "[a](<b)c>)", "[a](b\\)c)", "<a@b.c*d*>", "<http://a b>", "<a:*b*>", "<https://casino.example/*a*>", "$a$", "==a==", "a^b^", "H~2~O", ":smile:", "\\(a\\)", "@ann", "#tag", "{.a}", "# a {#b}", "[TOC]", "---\na: b\n---", "+++\na\n+++", "a\n: b", "*[a]: b", "Term\n\n:   rac&#105;sm", "a -- b ... \"c\"", "ⓡⓐⓒⓘⓢⓜ", "\\&#105;", "&#92;*a*", "&#42;a&#42;", "&lt;b&gt;", "\\<b>", "`&#105;`",
	}
}

// randomTexts are pieces of markup in a random order, the same in each run.
func randomTexts(n int) []string {
	random := rand.New(rand.NewPCG(20, 16))
	pieces := []string{
		"ra", "cism", "ra", "cism", "*", "**", "_", "~~", "`", "[", "](x)", "](https://casino.example)", "![", "]", "<", ">", "<b>", "\n", "\n\n", "> ", "- ", "1. ", "|", "|\n|-|-|\n", "&#105;", "\\", "[^1]", "\n\n[^1]: ", "\n\n[x]: y 'z'\n\n", "[x]",
		"https://casino.example", "https&#58;//casino.example", "www.casino.example", "a@casino.example", " ", " ", "中", "(", ")", "&shy;", "# ", "\n===\n", "    ", "'", "\"", "!", ".",
	}
	texts := make([]string, n)
	for i := range texts {
		var b strings.Builder
		for range 3 + random.IntN(14) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		texts[i] = b.String()
	}
	return texts
}
