package markdown

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead_Visible(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		"":                              nil,
		"plain text, one line.":         nil,
		"two\nlines":                    nil,
		"rac&#105;sm":                   {"racism"},
		"rac&#x69;sm":                   {"racism"},
		"rac&shy;ism":                   {"rac\u00adism"},
		"ra**ci**sm":                    {"racism"},
		"ra~~ci~~sm":                    {"racism"},
		"ra[ci](x)sm":                   {"racism"},
		"ra[](x)cism":                   {"racism"},
		"ra![ci](x)sm":                  {"racism"},
		"ra![](ci)sm":                   {"racism"},
		"ra![](x:y)cism":                {"racism"},
		"ra`ci`sm":                      {"racism"},
		`ra\ cism \*`:                   {`ra\ cism *`},
		"ra[^1]cism\n\n[^1]: note":      {"ra1cism\nnote\u00a0↩︎", "racism\nnote\u00a0"},
		"ra<b>ci</b>sm":                 {"ra<b>ci</b>sm"},
		"ra<!-- x -->cism":              {"ra<!-- x -->cism"},
		"<div>\nracism\n</div>":         {"<div>\nracism\n</div>"},
		"|a|b|\n|-|-|\n|rac|ism|":       {"a\tb\nrac\tism"},
		"a\\\nb":                        {"a\nb"},
		"*a\nb*":                        {"a\nb"},
		"# a\n## b\n- c\n- d\n\n> e\n":  {"a\nb\nc\nd\ne"},
		"ra[ci][1]sm\n\n[1]: x 'hover'": {"racism\nhover"},
		"```\na\n  b\n```":              {"a\n  b"},
		"- [x] done":                    {" done"},
	} {
		if diff := cmp.Diff(want, Read(source).Visible); diff != "" {
			t.Errorf("%q (-want +got):\n%s", source, diff)
		}
	}
}

func TestRead_Targets(t *testing.T) {
	t.Parallel()
	const casino = "casino.example"
	for source, want := range map[string][][]string{
		"none":                                             nil,
		"[x](https://casino.example)":                      {{casino}},
		"[x](https&#58;//casino.example)":                  {{casino}},
		"http&colon;//casino.example":                      {{casino}},
		"[x](https:casino.example)":                        {{casino}},
		"[x](https:/casino.example)":                       {{casino}},
		`[x](https:\\casino.example)`:                      {{casino}},
		"<https:casino.example>":                           {{casino}},
		"[x][1]\n\n[1]: https:casino.example":              {{casino}},
		"中https://casino.example":                          {{casino}},
		"看https://casino.example/页":                        {{casino}},
		"mail a@casino.example":                            {{casino}},
		"<a@casino.example>":                               {{casino}},
		`www\.casino.example`:                              {{"www.casino.example"}},
		"*www*&#46;casino.example":                         nil,
		"[x](HTTPS://CASINO.EXAMPLE:8080/a?b)":             {{casino}},
		"[x](https://good.example@casino.example)":         {{casino}},
		"[x](https://casino%2eexample)":                    {{casino}},
		"[x](https://%63asino.example.)":                   {{casino}},
		"[x](https://ｃａｓｉｎｏ。example)":                      {{casino}},
		"[x](https://bücher.example)":                      {{"xn--bcher-kva.example"}},
		"[x](http://0x7f.1)":                               {{"127.0.0.1"}},
		"[x](http://2130706433/)":                          {{"127.0.0.1"}},
		"[x](http://[::1]/)":                               {{"[::1]"}},
		"[x](https://)":                                    {nil},
		"![x](https://casino.example/p.png)":               {{casino}},
		"[x](/posts/1) [y](javascript:a) [z](#q)":          nil,
		"[x](mailto:a@ok.example?cc=b@casino.example)":     {{"ok.example", casino}},
		"https&#58;//x/a@casino.example":                   {{"x"}, {casino}},
		"https&#58;//casino.example*x*":                    {{casino}},
		"a.www.casino.example":                             {{"www.casino.example"}},
		"ewww.gross":                                       nil,
		"https://www.casino.example/a@b.example":           {{"www.casino.example"}},
		"[https://casino.example](https://casino.example)": {{casino}},
	} {
		var got [][]string
		for _, target := range Read(source).Targets {
			got = append(got, target.Hosts)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", source, diff)
		}
	}
}
