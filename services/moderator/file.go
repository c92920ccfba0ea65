package moderator

import (
	"bytes"
	_ "embed" // for rules.yaml
	"errors"
	"fmt"
	"strings"
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
type RulesFile struct{ *watched[Rules] }

// OpenRules loads the rules from the file at path, or those built into the
// program when path is "". A file that cannot be read or has a mistake is an
// error of one line.
func OpenRules(path string) (*RulesFile, error) {
	w, err := open("rules", path, defaultRules, maxRulesBytes, ParseRules)
	return &RulesFile{w}, err
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
		return "", mistake(pair.Value, "%s %v", keyOf(pair), err)
	}
	return strings.TrimSpace(s), nil
}

// readList returns a list of texts, each of which add has taken. The error joins all
// mistakes in it.
func readList(pair *ast.MappingValueNode, add func(string) error) ([]string, error) {
	list, ok := pair.Value.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		return nil, mistake(pair.Value, "%s must be a list of one or more", keyOf(pair))
	}
	texts := make([]string, len(list.Values))
	var mistakes []error
	for i, node := range list.Values {
		s, err := scalar(node, maxListed)
		if err == nil && s == "" {
			err = errors.New("is empty")
		}
		if err == nil {
			err = add(s)
		}
		_, last := errors.AsType[limitError](err)
		if err != nil {
			reason := fmt.Sprintf("%s: entry %d: %v", keyOf(pair), i+1, err)
			mistakes = append(mistakes, Mistake{Line: line(node), Entry: s, Reason: reason, last: last})
		}
		if last {
			break
		}
		texts[i] = s
	}
	return texts, errors.Join(mistakes...)
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
