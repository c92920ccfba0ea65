package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check collects what is wrong with a request body, so that the caller learns
// of it all at once. Its zero value is ready:
//
//	func (in *newPost) Validate() error {
//		var v web.Check
//		in.Title = v.Line("/title", in.Title, 1, 300)
//		in.Body = v.Text("/body", in.Body, 0, 20_000)
//		return v.Err()
//	}
type Check struct {
	fields []FieldError
}

// Line trims white space around a text of one line and checks that it is valid
// UTF-8, has least to most characters (not bytes), no control character or other
// line end, and no format character outside its place. If it is not empty it must
// show something.
func (c *Check) Line(pointer, s string, least, most int) string {
	s = c.text(pointer, strings.TrimSpace(s), least, most, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
	if isBlank(s) {
		c.Require(s == "" || least > 0, pointer, "must show something, or be left out")
	} else if detail := misplaced(s); detail != "" {
		c.Add(pointer, detail)
	}
	return s
}

// Text is [Check.Line] for a text of many lines: it may hold newlines and tabs, and
// format characters anywhere. Every line end becomes a newline. White space at the
// beginning of the first line stays, since it means code in Markdown; blank lines
// before that one and white space at the end go.
func (c *Check) Text(pointer, s string, least, most int) string {
	return c.text(pointer, trimText(s), least, most, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t'
	})
}

func (c *Check) text(pointer, s string, least, most int, refused func(rune) bool) string {
	if !utf8.ValidString(s) {
		c.Add(pointer, "must be valid UTF-8")
		return s
	}
	if i := strings.IndexFunc(s, refused); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		c.Add(pointer, fmt.Sprintf("must not have the control character %U", r))
	}
	switch n := utf8.RuneCountInString(s); {
	case least > 0 && isBlank(s):
		c.Add(pointer, "must not be empty")
	case n < least || n > most:
		c.Add(pointer, fmt.Sprintf("must have %d to %d characters, not %d", least, most, n))
	}
	return s
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// trimText is what [Check.Text] makes of a text.
func trimText(s string) string {
	s = strings.TrimRightFunc(lineEnds.Replace(s), unicode.IsSpace)
	for {
		line, rest, more := strings.Cut(s, "\n")
		if !more || strings.TrimSpace(line) != "" {
			return s
		}
		s = rest
	}
}

// Require adds the error if ok is false.
func (c *Check) Require(ok bool, pointer, detail string) {
	if !ok {
		c.Add(pointer, detail)
	}
}

// Add notes that what pointer names is wrong. detail goes on where the name
// ends: "must not be empty".
func (c *Check) Add(pointer, detail string) {
	c.fields = append(c.fields, FieldError{Pointer: pointer, Detail: detail})
}

// Err returns nil if all is well, else an [Invalid].
func (c *Check) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Invalid{Fields: c.fields}
}
