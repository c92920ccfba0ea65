package markdown

import (
	"bytes"
	"errors"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// errTooLarge is returned for a text that becomes too large a page.
var errTooLarge = errors.New("the rendered text is too large")

// converter is made once and may be used from many goroutines.
var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithRendererOptions(html.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(htmlAsText{}, 1))),
	)
})

// render returns the text as HTML. No markup of the text's own gets through.
func render(source []byte) ([]byte, error) {
	md := converter()
	doc := md.Parser().Parse(text.NewReader(source))
	if err := checkSize(doc); err != nil {
		return nil, err
	}
	page := limited{}
	if err := md.Renderer().Render(&page, source, doc); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// checkSize returns an error if the addresses of a text, written out at each of
// its links, are too long in all: many links may use one definition.
func checkSize(doc ast.Node) error {
	size := 0
	return ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			size += len(n.Destination) + len(n.Title)
		case *ast.Image:
			size += len(n.Destination) + len(n.Title)
		}
		if size > maxDestinations {
			return ast.WalkStop, errTooLarge
		}
		return ast.WalkContinue, nil
	})
}

// limited is a buffer that takes no more than maxPage.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxPage {
		return 0, errTooLarge
	}
	return l.Buffer.Write(p)
}

// htmlAsText renders HTML as the text that it is written as, and images with an
// alternative text that has it too.
type htmlAsText struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (htmlAsText) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			writeText(w, n.(*ast.RawHTML).Segments.Value(source))
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block := n.(*ast.HTMLBlock)
		_, _ = w.WriteString("<p>")
		writeText(w, block.Lines().Value(source))
		if block.HasClosure() {
			writeText(w, block.ClosureLine.Value(source))
		}
		_, _ = w.WriteString("</p>\n")
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			writeImage(w, source, n.(*ast.Image))
		}
		return ast.WalkSkipChildren, nil
	})
}

func writeImage(w util.BufWriter, source []byte, n *ast.Image) {
	_, _ = w.WriteString(`<img src="`)
	if address := util.URLEscape(n.Destination, true); !html.IsDangerousURL(address) {
		_, _ = w.Write(util.EscapeHTML(address))
	}
	_, _ = w.WriteString(`" alt="`)
	writeAlt(w, source, n)
	_, _ = w.WriteString(`" title="`)
	html.DefaultWriter.Write(w, n.Title)
	_, _ = w.WriteString(`">`)
}

// writeAlt writes the text of an image. A hard line break in it shows nothing, not
// even a gap, and another line break is a space.
func writeAlt(w util.BufWriter, source []byte, parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			if n.IsRaw() {
				html.DefaultWriter.RawWrite(w, n.Segment.Value(source))
			} else {
				html.DefaultWriter.Write(w, n.Segment.Value(source))
			}
			if n.SoftLineBreak() {
				_ = w.WriteByte(' ')
			}
		case *ast.String:
			html.DefaultWriter.Write(w, n.Value)
		case *ast.AutoLink:
			html.DefaultWriter.RawWrite(w, n.Label(source))
		case *ast.RawHTML:
			html.DefaultWriter.RawWrite(w, n.Segments.Value(source))
		default:
			writeAlt(w, source, n)
		}
	}
}

// writeText writes a text with a break for each of its line breaks. An error of
// the writer shows when it is flushed.
func writeText(w util.BufWriter, s []byte) {
	for i, line := range bytes.Split(s, []byte("\n")) {
		if i > 0 {
			_, _ = w.WriteString("<br>\n")
		}
		_, _ = w.Write(util.EscapeHTML(line))
	}
}
