package moderator

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Mistake is what is wrong with one place of a rules file, or to be warned about.
type Mistake struct {
	Line int `json:"line"`
	// Entry is the listed word, pattern or host, empty where it is about none.
	Entry  string `json:"entry,omitempty"`
	Reason string `json:"reason"`

	last bool // a limit has been reached, and what follows would only repeat that
}

// limitError is an error about a limit of the whole file.
type limitError string

func (e limitError) Error() string { return string(e) }

// Error implements error in one line.
func (m Mistake) Error() string {
	if m.Entry != "" {
		return fmt.Sprintf("line %d: %s (%q)", m.Line, m.Reason, cut(m.Entry))
	}
	return fmt.Sprintf("line %d: %s", m.Line, m.Reason)
}

// cut shortens an entry for a message.
func cut(entry string) string {
	const most = 60
	if runes := []rune(entry); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return entry
}

// Mistakes are all that is wrong with a file, in the order of its lines.
type Mistakes []Mistake

// maxMistakes bounds how many are listed.
const maxMistakes = 100

// Error implements error in one line.
func (m Mistakes) Error() string {
	if len(m) == 1 {
		return m[0].Error()
	}
	return fmt.Sprintf("%d mistakes: %s", len(m), m.list())
}

// list is all of them in one line.
func (m Mistakes) list() string {
	texts := make([]string, len(m))
	for i, one := range m {
		texts[i] = one.Error()
	}
	return strings.Join(texts, "; ")
}

// add adds what an error says, which joins mistakes, and reports whether the file is
// to be read on.
func (m *Mistakes) add(line int, err error) (goOn bool) {
	switch e := err.(type) { //nolint:errorlint // it takes joined errors apart
	case nil:
		return true
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if !m.add(line, one) {
				return false
			}
		}
		return true
	case Mistake:
		*m = append(*m, e)
		goOn = !e.last
	default:
		*m = append(*m, Mistake{Line: line, Reason: err.Error()})
		goOn = true
	}
	if goOn && len(*m) == maxMistakes {
		*m = append(*m, Mistake{Line: line, Reason: "too many mistakes, what follows has not been read"})
		return false
	}
	return goOn
}

// mistakesIn returns the mistakes that an error about a file holds, if it does.
func mistakesIn(err error) Mistakes {
	if one, ok := errors.AsType[Mistake](err); ok {
		return Mistakes{one}
	}
	all, _ := errors.AsType[Mistakes](err)
	return all
}

// mistake is an error in the line where node begins.
func mistake(node ast.Node, format string, args ...any) error {
	return Mistake{Line: line(node), Reason: fmt.Sprintf(format, args...)}
}
