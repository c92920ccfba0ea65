package markdown

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// view collects what a reader sees of a page that render has made.
type view struct {
	numbered, unnumbered strings.Builder // with and without the numbers of footnotes
	titles               []string
	targets              []Target
	maybe                found
	budget               *int
	link                 int // index in targets of the link that is open plus one
	number               bool
	pre                  bool
}

// look reads a page. The page is well-formed, so its tokens are enough, and no tree
// is made of it.
func look(page []byte, budget *int) *view {
	v := &view{budget: budget}
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			return v
		case html.TextToken:
			v.text(string(tokens.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			v.open(tokens.Token())
		case html.EndTagToken:
			name, _ := tokens.TagName()
			v.close(atom.Lookup(name))
		}
	}
}

// texts returns the text with the numbers of footnotes and, if that is another,
// the text without them.
func (v *view) texts() []string {
	titles := ""
	if len(v.titles) > 0 {
		titles = "\n" + strings.Join(v.titles, "\n")
	}
	numbered, unnumbered := tidy(v.numbered.String())+titles, tidy(v.unnumbered.String())+titles
	if numbered == unnumbered {
		return []string{numbered}
	}
	return []string{numbered, unnumbered}
}

// tidy removes the empty lines that blocks leave behind.
func tidy(s string) string {
	return strings.Trim(s, "\n\t")
}

func (v *view) text(s string) {
	if !v.pre {
		// A line break after <br> or between blocks shows nothing of its own.
		s = strings.ReplaceAll(strings.TrimLeft(s, "\n"), "\n", " ")
	}
	v.write(s)
	if v.link == 0 && !v.number {
		f := findTargets(s, v.budget)
		v.targets = append(v.targets, f.sure...)
		v.maybe.add(f)
	}
}

func (v *view) write(s string) {
	v.numbered.WriteString(s)
	if !v.number {
		v.unnumbered.WriteString(s)
	}
	if v.link > 0 && s != "" {
		v.targets[v.link-1].Shown = true
	}
}

// gap separates what is before it from what is behind it.
func (v *view) gap(by byte) {
	for _, b := range []*strings.Builder{&v.numbered, &v.unnumbered} {
		if s := b.String(); s != "" && s[len(s)-1] != '\n' && s[len(s)-1] != by {
			b.WriteByte(by)
		}
	}
}

func (v *view) open(t html.Token) {
	switch t.DataAtom {
	case atom.A:
		v.openLink(t)
	case atom.Img:
		v.image(t)
	case atom.Sup:
		v.number = true
	case atom.Pre:
		v.pre = true
		v.gap('\n')
	default:
		if t.DataAtom == atom.Td || t.DataAtom == atom.Th {
			v.gap('\t')
		}
		v.boundary(t.DataAtom)
	}
}

func (v *view) close(a atom.Atom) {
	switch a {
	case atom.A:
		v.link = 0
		v.number = false
	case atom.Sup:
		v.number = false
	case atom.Pre:
		v.pre = false
		v.gap('\n')
	default:
		v.boundary(a)
	}
}

// boundary writes the gap that an element makes in a text, if it makes one.
func (v *view) boundary(a atom.Atom) {
	switch a {
	case atom.Em, atom.Strong, atom.Del, atom.Code, atom.Input, atom.Td, atom.Th:
	default:
		v.gap('\n')
	}
}

func (v *view) openLink(t html.Token) {
	href, title, class := attributes(t, "href")
	if strings.HasPrefix(class, "footnote-") {
		v.number = true // a reference, or the way back to it
		return
	}
	v.addTitle(title)
	if isLink(href) {
		v.targets = append(v.targets, targetOf(href))
		v.link = len(v.targets)
	}
}

// image shows the alternative text of an image, as a link to it.
func (v *view) image(t html.Token) {
	src, title, _ := attributes(t, "src")
	alt, _, _ := attributes(t, "alt")
	v.addTitle(title)
	shown := alt
	if shown == "" && (isLink(src) || !hasScheme(src)) {
		shown = src
	}
	v.write(shown)
	if isLink(src) {
		target := targetOf(src)
		target.Shown = shown != ""
		v.targets = append(v.targets, target)
	}
}

func (v *view) addTitle(title string) {
	if title != "" {
		v.titles = append(v.titles, title)
	}
}

// attributes returns one attribute of an element by its name, its title and its class.
func attributes(t html.Token, name string) (value, title, class string) {
	for _, a := range t.Attr {
		switch a.Key {
		case name:
			value = a.Val
		case "title":
			title = a.Val
		case "class":
			class = a.Val
		}
	}
	return value, title, class
}
