package markdown

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are texts that cost a parser much, of about n bytes.
func hostile(n int) map[string]string {
	r := func(s string, share int) string { return strings.Repeat(s, max(1, n/share)) }
	grow := func(of func(i int) string) string {
		var b strings.Builder
		for i := 1; b.Len() < n; i++ {
			b.WriteString(of(i))
		}
		return b.String()
	}
	return map[string]string{
		"quotes": r(">", 1), "quotes apart": r("> ", 2), "lists": r("- ", 2), "lists with text": r("- ", 2) + "a", "numbers": r("1) ", 3),
		"quotes and lists": r("> - ", 4), "deep lines": strings.Repeat(strings.Repeat("- ", 90)+"a\n", n/180),
		"deeper and deeper": grow(func(i int) string { return strings.Repeat(" ", 2*i) + "- a\n" }),
		"wider quotes":      grow(func(i int) string { return strings.Repeat(">", i) + "- a\n" }),
		"table":             r("|a", 10) + "\n" + r("|-", 10) + "|\n" + r("|\n", 3),
		"brackets":          r("[", 1), "nested brackets": r("[", 2) + r("]", 2), "links": r("[a](", 4), "nested links": r("[](", 4) + r(")", 4),
		"pictures": r("![", 2), "references": "[a]: " + r("x", 2) + "\n\n" + r("[a]", 6), "few long references": "[a]: " + r("x", 1) + "\n\n" + strings.Repeat("[a]", 900),
		"definitions": r("[a]: b\n", 7), "footnotes": r("[^1]", 8) + "\n\n[^1]: " + r("[^1]", 8), "stars": r("*a", 2),
		"mixed emphasis": r("*_", 2), "emphasis that crosses": r("*a _b ", 12) + r("_ *", 6), "tildes": r("~a", 2),
		"code": grow(func(i int) string { return strings.Repeat("`", i) + "a" }),
		"tags": r("<a", 2), "comments": r("a <!--", 6), "attributes": r("a <a b='", 8), "entities": r("&amp", 4), "escapes": r("\\", 1),
		"addresses": r("http://a.b ", 11), "addresses joined": r("http://a", 8), "hosts": r("www.a.", 6), "mails": r("a@", 2), "mails joined": r("a@b.c,", 6),
		"a long user": "https://" + r("a", 1) + "@b.example", "parentheses": "[a](" + r("(", 1), "headings": r("a\n=\n", 4), "tasks": r("- [ ] a\n", 8),
	}
}

// The limits hold for every text, so it is enough that what passes them is small.
func TestRead_HostileText_IsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{5_000, 30_000, 100_000, 1_000_000} {
		for name, text := range hostile(n) {
			checkBounds(t, fmt.Sprintf("%s of %d bytes", name, n), text)
		}
	}
	for _, text := range []string{strings.Repeat(">", 100_000), strings.Repeat("[", 100_000), hostile(5_000)["table"], hostile(30_000)["few long references"]} {
		if !Read(text).TooComplex {
			t.Errorf("%.20q… of %d bytes is not too complex", text, len(text))
		}
	}
}

func TestRead_TextOfPeople_IsNotTooComplex(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"longest comment": strings.Repeat("日本語 *x* ", 800), "list": strings.Repeat("- [ ] a *b* `c`\n", 300),
		"links": strings.Repeat("[a](https://other.example/) and **b**\n\n", 120), "quotes": strings.Repeat(strings.Repeat("> ", 20)+"a\n", 100),
		"table": "|a|b|c|\n|-|-|-|\n" + strings.Repeat("|a|b|c|\n", 500), "code": "```\n" + strings.Repeat("if (a[i] && b[j]) c[i * j] = f(d_e, g)\n", 120) + "```",
		"rules": strings.Repeat("-", 300) + "\n\n" + strings.Repeat("* ", 40),
	} {
		if Read(text).TooComplex {
			t.Errorf("%s: is too complex", name)
		}
	}
}

func checkBounds(t *testing.T, name, text string) {
	t.Helper()
	r := Read(text)
	size := len(r.Stripped)
	for _, v := range r.Visible {
		size += len(v)
	}
	for _, target := range append(r.Targets, r.Suspected...) {
		size += len(target.URL)
		for _, host := range target.Hosts {
			size += len(host)
		}
	}
	if r.TooComplex && size > 0 {
		t.Errorf("%s: is too complex, and yet has a reading of %d bytes", name, size)
	}
	if len(text) > maxBytes && len(r.Visible) > 0 {
		t.Errorf("%s: a text of %d bytes is read", name, len(text))
	}
	if most := 2*maxPage + 2*maxAuthorities + maxDestinations + 100*len(text); size > most {
		t.Errorf("%s: a reading of %d bytes, more than %d", name, size, most)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range hostile(200) {
		f.Add(text)
	}
	f.Add("[x](https&#58;//a.example) ra**ci**sm[^1]\n\n[^1]: www\\.b.example a@b.example")
	f.Fuzz(func(t *testing.T, text string) {
		checkBounds(t, "text", text)
		r := Read(text)
		for _, v := range append(r.Visible, r.Stripped) {
			if !utf8.ValidString(v) {
				t.Errorf("%q reads %q, which is not UTF-8", text, v)
			}
		}
		// A text that is taken for plain must read as it is written, and have no links.
		if !isPlain(text) || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\u2028\u2029") {
			return
		}
		page, err := render([]byte(text))
		if err != nil {
			return
		}
		budget := maxAuthorities
		seen := look(page, &budget)
		if got, want := strings.Fields(strings.Join(seen.texts(), "\n")), strings.Fields(text); strings.Join(got, " ") != strings.Join(want, " ") || len(seen.targets) > 0 {
			t.Errorf("%q is taken for plain and reads %q with the links %v", text, got, seen.targets)
		}
	})
}
