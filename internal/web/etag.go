package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// VersionTag is the strong entity tag of version n of a document: "3", quotes
// included.
func VersionTag(n int64) string { return `"` + strconv.FormatInt(n, 10) + `"` }

// Condition is what an If-Match header asks for (RFC 9110, section 13.1.1).
type Condition struct {
	present bool
	any     bool
	tags    []string
}

// IfMatch reads the If-Match headers of r. The error is an [Invalid] if they
// are not * or a list of entity tags.
func IfMatch(r *http.Request) (Condition, error) {
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 {
		return Condition{}, nil
	}
	tags, all, err := parseTags(strings.Join(lines, ","))
	if err != nil {
		return Condition{}, &Invalid{Fields: []FieldError{{Header: "If-Match", Detail: err.Error()}}}
	}
	return Condition{present: true, any: all, tags: tags}, nil
}

// Holds reports whether the condition names some version from lo to hi, or any
// version, or is absent. A weak tag names none: If-Match compares strongly.
func (c Condition) Holds(lo, hi int64) bool {
	if !c.present || c.any {
		return true
	}
	for _, tag := range c.tags {
		n, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		if err == nil && VersionTag(n) == tag && lo <= n && n <= hi {
			return true
		}
	}
	return false
}

// Why says what is to be known of a condition that does not hold: a proxy that
// compresses answers makes weak tags of strong ones, or adds to them. It is empty
// if nothing of that kind is the matter.
func (c Condition) Why() string {
	for _, tag := range c.tags {
		strong, weak := strings.CutPrefix(tag, "W/")
		if n, _, added := strings.Cut(strings.Trim(strong, `"`), "-"); weak || added && n != "" {
			return fmt.Sprintf("; %s is not a tag of this service but what a compressing proxy makes of one, "+
				"and If-Match compares strongly: send the version of the document, such as %s", tag, VersionTag(3))
		}
	}
	return ""
}

// noneMatch reports whether If-None-Match names the tag, weakly compared, so
// that 304 is the answer. A malformed header is as none.
func noneMatch(r *http.Request, tag string) bool {
	lines := r.Header.Values("If-None-Match")
	if len(lines) == 0 {
		return false
	}
	tags, all, err := parseTags(strings.Join(lines, ","))
	if err != nil {
		return false
	}
	for _, t := range tags {
		if strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return all
}

// parseTags splits a list of entity tags, each of which keeps its quotes and
// its W/. all is true for *.
func parseTags(list string) (tags []string, all bool, err error) {
	malformed := errors.New(`must be * or a list of entity tags such as "3"`)
	if strings.Trim(list, " \t") == "*" {
		return nil, true, nil
	}
	for rest := strings.TrimLeft(list, " \t,"); rest != ""; {
		opening := strings.TrimPrefix(rest, "W/")
		if !strings.HasPrefix(opening, `"`) {
			return nil, false, malformed
		}
		// The characters between the quotes: all that show, and above ASCII.
		opaque := strings.TrimLeftFunc(opening[1:], func(r rune) bool { return r > ' ' && r != '"' && r != 0x7f })
		if !strings.HasPrefix(opaque, `"`) {
			return nil, false, malformed
		}
		end := len(rest) - len(opaque) + 1
		tags = append(tags, rest[:end])
		after := strings.TrimLeft(rest[end:], " \t")
		if after != "" && after[0] != ',' {
			return nil, false, malformed
		}
		rest = strings.TrimLeft(after, " \t,")
	}
	if len(tags) == 0 {
		return nil, false, malformed
	}
	return tags, false, nil
}
