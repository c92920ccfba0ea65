package frontend

import (
	"net/http"
	"strconv"
	"strings"
)

// encodings are those that the build may have made of a file beside it, the best
// first: the name for Accept-Encoding, and what the file's name ends with.
func encodings() []struct{ name, ext string } {
	return []struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}}
}

// encodedAs returns the encoding that a file's name stands for, and the name of
// what it is an encoding of.
func encodedAs(name string) (encoding, of string, ok bool) {
	for _, e := range encodings() {
		if of, ok = strings.CutSuffix(name, e.ext); ok {
			return e.name, of, true
		}
	}
	return "", name, false
}

// choose returns the smallest form of f that r accepts, and its encoding, "" for
// the plain one.
func (f file) choose(r *http.Request) (body, string) {
	for _, e := range encodings() {
		if b, ok := f.encoded[e.name]; ok && accepts(r.Header.Values("Accept-Encoding"), e.name) {
			return b, e.name
		}
	}
	return f.plain, ""
}

// accepts reports whether lines of Accept-Encoding (RFC 9110, 12.5.3) permit an
// encoding. What they say of it by name holds over what they say of all.
func accepts(lines []string, encoding string) bool {
	all := false
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, encoding):
				return wanted(params)
			case name == "*":
				all = wanted(params)
			}
		}
	}
	return all
}

// wanted reports whether the weight among the parameters, 1 if there is none, is
// above 0.
func wanted(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		if name, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q > 0
		}
	}
	return true
}
