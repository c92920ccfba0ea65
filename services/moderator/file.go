package moderator

import (
	"bytes"
	"context"
	_ "embed" // for rules.yaml
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

//go:embed rules.yaml
var defaultRules string

// RulesFile owns the rules in force and keeps them as the file says.
type RulesFile struct {
	path    string // "" means the rules built into the program
	current atomic.Pointer[Rules]

	// What follows belongs to the one goroutine that is in Watch.

	tried   []byte // the content last seen, good or bad
	trouble string // why the file could not be read the last time; "" if it could
}

// OpenRules loads the rules from the file at path, or those built into the
// program when path is "". A file that cannot be read or has a mistake is an
// error of one line.
func OpenRules(path string) (*RulesFile, error) {
	data := []byte(defaultRules)
	if path != "" {
		var err error
		if data, err = readRules(path); err != nil {
			return nil, fmt.Errorf("rules file: %w", err)
		}
	}
	rules, err := ParseRules(data)
	if err != nil {
		return nil, fmt.Errorf("rules file %s: %w", path, err)
	}
	f := &RulesFile{path: path, tried: data}
	f.current.Store(&rules)
	return f, nil
}

// Current returns the rules in force. It may be called from any goroutine.
func (f *RulesFile) Current() Rules { return *f.current.Load() }

// Watch reads the file every interval, puts its rules in force when the content
// has changed, and returns when ctx ends. interval must be positive. It must not
// run twice at a time.
//
// It compares the content and does not wait for the system's notices: editors
// and mounted config maps put a new file in the place of the old one, which is
// what such notices miss.
func (f *RulesFile) Watch(ctx context.Context, interval time.Duration, log *slog.Logger) {
	if f.path == "" {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.reload(log)
		}
	}
}

// reload looks at the file once. What is wrong with it is logged when it is
// first seen and not again until something else is seen.
func (f *RulesFile) reload(log *slog.Logger) {
	log = log.With("file", f.path)
	data, err := readRules(f.path)
	if err != nil {
		if f.trouble != err.Error() {
			f.trouble = err.Error()
			log.Warn("cannot read the rules file, the old rules stay in force", "error", err)
		}
		return
	}
	f.trouble = ""
	if bytes.Equal(data, f.tried) {
		return
	}
	f.tried = data
	rules, err := ParseRules(data)
	if err != nil {
		log.Warn("the rules file has a mistake, the old rules stay in force", "error", err)
		return
	}
	f.current.Store(&rules)
	log.Info("new rules are in force", "rules", rules.Len())
}

// readRules returns the file's content, cut off one byte above what ParseRules
// takes.
func readRules(path string) ([]byte, error) {
	// Opening a pipe would wait for its writer, for ever perhaps.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxRulesBytes+1))
	return data, errors.Join(err, file.Close())
}

// ruleNodes returns the entries of the list under "rules".
func ruleNodes(data []byte) ([]ast.Node, error) {
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	top, ok := root.(*ast.MappingNode)
	if !ok {
		return nil, mistake(root, `expected "rules:" and a list`)
	}
	var list ast.Node
	for _, pair := range top.Values {
		if key := keyOf(pair); key != "rules" {
			return nil, mistake(pair.Key, "unknown key %q; only rules is known here", key)
		}
		list = pair.Value
	}
	entries, ok := list.(*ast.SequenceNode)
	if !ok {
		return nil, mistake(top, "rules must be a list; write [] for none")
	}
	if len(entries.Values) > maxRules {
		return nil, mistake(entries.Values[maxRules], "more than %d rules", maxRules)
	}
	return entries.Values, nil
}

// document returns the root of the only YAML document in data. None at all is
// an error: a file that was just cut off to be written anew must not open the
// door to every comment.
func document(data []byte) (ast.Node, error) {
	if len(data) > maxRulesBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxRulesBytes)
	}
	n := 0
	for text := range bytes.Lines(data) {
		if n++; !utf8.Valid(text) {
			return nil, fmt.Errorf("line %d: not UTF-8", n)
		}
	}
	// Some editors begin a file with a byte order mark.
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff"))
	if err := checkShape(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil: // nothing but comments
		case root != nil:
			return nil, mistake(doc.Body, "a second YAML document begins")
		default:
			root = doc.Body
		}
	}
	if root == nil {
		return nil, errors.New("line 1: the file is empty; write rules: [] for none")
	}
	return root, nil
}

// checkShape refuses what only a broken or hostile file has. The YAML parser
// takes time in the square of the depth and of the number of keys, which for a
// megabyte of brackets means hours.
func checkShape(tokens token.Tokens) error {
	keys, brackets, dashes, dashLine := 0, 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingValueType:
			keys++
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType:
			if t.Position.Line != dashLine {
				dashes, dashLine = 0, t.Position.Line
			}
			dashes++
		}
		if keys > maxKeys || max(brackets, dashes) > maxNesting {
			return fmt.Errorf("line %d: too many keys or nested too deeply", t.Position.Line)
		}
	}
	return nil
}

// syntaxError is the YAML parser's error in one line: its own text shows a part
// of the file.
func syntaxError(err error) error {
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return fmt.Errorf("line %d: %s", e.GetToken().Position.Line, strings.Join(strings.Fields(e.GetMessage()), " "))
	}
	return errors.New("line 1: " + strings.Join(strings.Fields(err.Error()), " "))
}

// mistake is an error in the line where node begins.
func mistake(node ast.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{line(node)}, args...)...)
}

func line(node ast.Node) int {
	return node.GetToken().Position.Line
}

func keyOf(pair *ast.MappingValueNode) string { return pair.Key.GetToken().Value }

// readText returns a value as text, trimmed. A value left out is "", and what
// YAML takes for a number or a truth value is the text that was written.
func readText(pair *ast.MappingValueNode, limit int) (string, error) {
	if _, ok := pair.Value.(*ast.NullNode); ok {
		return "", nil
	}
	s, err := scalar(pair.Value, limit)
	if err != nil {
		return "", mistake(pair.Value, "%s %w", keyOf(pair), err)
	}
	return strings.TrimSpace(s), nil
}

// readList returns a list of texts, each of which add has taken.
func readList(pair *ast.MappingValueNode, add func(string) error) ([]string, error) {
	list, ok := pair.Value.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		return nil, mistake(pair.Value, "%s must be a list of one or more", keyOf(pair))
	}
	texts := make([]string, len(list.Values))
	for i, node := range list.Values {
		s, err := scalar(node, maxListed)
		if err == nil && s == "" {
			err = errors.New("is empty")
		}
		if err == nil {
			err = add(s)
		}
		if err != nil {
			return nil, mistake(node, "%s: entry %d: %w", keyOf(pair), i+1, err)
		}
		texts[i] = s
	}
	return texts, nil
}

// scalar returns the text of a value that is neither a list nor a mapping.
func scalar(node ast.Node, limit int) (string, error) {
	var s string
	switch n := node.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		s = n.GetToken().Value
	default:
		return "", errors.New("must be text; put quotes around it if it is")
	}
	isControl := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	switch {
	case utf8.RuneCountInString(s) > limit:
		return "", fmt.Errorf("is longer than %d characters", limit)
	case strings.ContainsFunc(s, isControl):
		return "", errors.New("has a control character")
	}
	return s, nil
}
