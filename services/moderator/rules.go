package moderator

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"newsfeed/internal/event"
	"newsfeed/internal/markdown"
)

// The words a rule may have after "then".
const (
	thenReject  = "reject"
	thenHold    = "hold"
	thenApprove = "approve"
)

// The bounds of a rules file. Whatever it says, a decision on a comment of 5,000
// characters takes a second or so at worst, and usually less than one
// thousandth of that.
const (
	maxRulesBytes = 1 << 20
	maxRules      = 1000
	maxKeys       = 10 * maxRules
	maxWords      = 10_000 // in all rules
	maxPatterns   = 1000   // in all rules
	maxListed     = 1000   // characters of one word, phrase or pattern
	maxSteps      = 20_000 // of all patterns, see compile
	maxNumber     = 1_000_000
	maxNesting    = 32   // brackets open at once, dashes of lists in one line
	maxName       = 100  // characters
	maxNote       = 1000 // characters, of the reason too
)

// Rule is one entry of the rules file. Exactly one of the fields from Words to
// Networks is set: it is the condition under which the rule decides.
type Rule struct {
	// Name is unique in its file.
	Name string `json:"name"`
	// Words matches when one of these words or phrases occurs whole.
	Words []string `json:"words,omitempty"`
	// Patterns matches when one of these RE2 expressions matches.
	Patterns []string `json:"patterns,omitempty"`
	// MaxLinks matches when there are more links than this.
	MaxLinks *int `json:"maxLinks,omitempty"`
	// LinksTo matches when a link leads to one of these hosts, or below one.
	LinksTo []string `json:"linksTo,omitempty"`
	// LinksNotTo matches when a link leads anywhere else.
	LinksNotTo []string `json:"linksNotTo,omitempty"`
	// FirstComments matches while the author has fewer approved comments than this.
	FirstComments *int `json:"firstComments,omitempty"`
	// MaxRate matches when the author has written more than this, edits included.
	MaxRate *Limit `json:"maxRate,omitempty"`
	// MaxCopies matches when the same text has come in more comments than this.
	MaxCopies *Limit `json:"maxCopies,omitempty"`
	// Authors matches when the author has one of these keys.
	Authors []string `json:"authors,omitempty"`
	// Networks matches when the author's network has one of these keys.
	Networks []string `json:"networks,omitempty"`
	// Then is "reject", "hold" or "approve".
	Then string `json:"then"`
	// Reason says in a few words why the verdict fell; it is never empty.
	Reason string `json:"reason"`
	// Note is for the author, and may be empty.
	Note string `json:"note,omitempty"`

	patterns []*regexp.Regexp
	hosts    []string // of LinksTo or LinksNotTo, folded
	keys     keySet   // of Authors or Networks
}

// Rules is an ordered list of rules, of which the first that matches decides.
// It never changes once [ParseRules] has made it and may be used from many
// goroutines. The zero value has no rules and approves everything.
type Rules struct {
	list []Rule
	// words holds the words of all rules at once, so that looking for them
	// costs the same whether there are ten or ten thousand, in one rule or many.
	words wordList
	// warnings are about entries that do not mean what they seem to.
	warnings Mistakes
	// patience is how long the patterns may take in all.
	patience time.Duration
}

// Text is what is judged, and the facts about its author that rules ask for.
type Text struct {
	Content, Author string
	// Approved is how many approved comments the author has.
	Approved int
	// KnownAuthor is false when nothing tells this author from another; then
	// Approved counts as 0.
	KnownAuthor bool
	// AuthorKeys and NetworkKeys are what the author and their network are known by.
	AuthorKeys, NetworkKeys []string
	// Rate and Copies say how many texts of the author, and comments of the same
	// text, have come within a time, this one included.
	Rate, Copies map[time.Duration]int
	// Anew says that the text has been judged before, and Decided names the rule
	// that decided then: what was recent is not known any more, so a rule about
	// that matches if it did.
	Anew    bool
	Decided string

	read *markdown.Reading // of the content, see reading
}

// Verdict is what the rules say of a text.
type Verdict struct {
	// Status is Approved, Rejected or Flagged.
	Status event.Status
	// Reason and Note are those of the rule, empty when none matched.
	Reason, Note string
	// Rule names the rule that decided; "" means that none matched.
	Rule string
}

// Len returns the number of rules.
func (r Rules) Len() int { return len(r.list) }

// Warnings returns what is to be said of entries that are no mistakes and yet do not
// mean what they seem to.
func (r Rules) Warnings() Mistakes { return slices.Clone(r.warnings) }

// LogValue implements slog.LogValuer.
func (r Rules) LogValue() slog.Value { return slog.IntValue(r.Len()) }

// List returns a copy of the rules in their order.
func (r Rules) List() []Rule {
	list := slices.Clone(r.list)
	for i := range list {
		rule := &list[i]
		rule.Words, rule.Patterns = slices.Clone(rule.Words), slices.Clone(rule.Patterns)
		rule.LinksTo, rule.LinksNotTo = slices.Clone(rule.LinksTo), slices.Clone(rule.LinksNotTo)
		rule.Authors, rule.Networks = slices.Clone(rule.Authors), slices.Clone(rule.Networks)
		rule.MaxLinks, rule.FirstComments = clone(rule.MaxLinks), clone(rule.FirstComments)
		rule.MaxRate, rule.MaxCopies = clone(rule.MaxRate), clone(rule.MaxCopies)
		rule.patterns = nil
	}
	return list
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// Decide returns the verdict of the first rule that matches, and Approved when
// none does; decide says what becomes of a doubtful match. Words, patterns and links are looked for in the author's name as
// in the content. It depends on nothing but r and t, with one exception: a text
// on which the patterns take longer than a second is held, as is one that is too
// long for them.
func (r Rules) Decide(t Text) Verdict {
	if !t.KnownAuthor {
		t.Approved = 0
	}
	return r.decide(r.inspect(t))
}

// status translates Then, which ParseRules has checked. Anything else would be
// a mistake in this package, and a person should see it.
func (r Rule) status() event.Status {
	switch r.Then {
	case thenReject:
		return event.Rejected
	case thenApprove:
		return event.Approved
	default:
		return event.Flagged
	}
}

// ParseRules reads a rules file; rules.yaml describes its form. It takes
// nothing that it does not understand: an unknown key, a key given twice, a
// YAML anchor or tag is an error. An error is one line and says in which lines
// of the file the mistakes are; it is of the type [Mistakes] if the file is YAML.
func ParseRules(data []byte) (Rules, error) {
	nodes, err := ruleNodes(data)
	if err != nil {
		return Rules{}, err
	}
	p := ruleParser{lines: map[string]int{}, rules: Rules{patience: patience}}
	var mistakes Mistakes
	for _, node := range nodes {
		if !mistakes.add(line(node), p.add(node)) {
			break
		}
	}
	if len(mistakes) > 0 {
		return Rules{}, mistakes
	}
	return p.rules, nil
}

// ruleParser collects rules in their order, and what counts against the bounds.
type ruleParser struct {
	rules                  Rules
	lines                  map[string]int // the line in which a name was given
	words, patterns, steps int
}

// add reads one entry of the list.
func (p *ruleParser) add(node ast.Node) error {
	entry, ok := node.(*ast.MappingNode)
	if !ok {
		return mistake(node, "a rule must have keys and values, such as name: spam")
	}
	var rule Rule
	var mistakes []error
	conditions := 0
	for _, pair := range entry.Values {
		condition, err := p.field(&rule, pair)
		if err != nil {
			mistakes = append(mistakes, err)
		}
		if condition {
			conditions++
		}
	}
	switch {
	case len(mistakes) > 0:
		return errors.Join(mistakes...)
	case rule.Name == "":
		return mistake(entry, "the rule has no name")
	case p.lines[rule.Name] > 0:
		return mistake(entry, "the name %q is taken by the rule in line %d", rule.Name, p.lines[rule.Name])
	case conditions != 1:
		return mistake(entry, "rule %q needs exactly one of %s; it has %d", rule.Name, conditionNames, conditions)
	case rule.Then == "":
		return mistake(entry, "rule %q has no then", rule.Name)
	case rule.Reason == "":
		rule.Reason = string(rule.status()) + " by the rule " + strconv.Quote(rule.Name)
	}
	p.lines[rule.Name] = line(entry)
	p.rules.list = append(p.rules.list, rule)
	return nil
}

// field reads one key of a rule and reports whether it is a condition.
func (p *ruleParser) field(rule *Rule, pair *ast.MappingValueNode) (condition bool, err error) {
	switch key := keyOf(pair); key {
	case "name":
		rule.Name, err = readText(pair, maxName)
	case "reason":
		rule.Reason, err = readText(pair, maxNote)
	case "note":
		rule.Note, err = readText(pair, maxNote)
	case "then":
		rule.Then, err = readText(pair, maxName)
		if err == nil && rule.Then != thenReject && rule.Then != thenHold && rule.Then != thenApprove {
			err = mistake(pair.Value, "then: %q is none of reject, hold, approve", rule.Then)
		}
	default:
		return true, p.condition(rule, pair)
	}
	return false, err
}

// addWord adds a word or phrase of the rule that is being read.
func (p *ruleParser) addWord(s string) error {
	e, err := newEntry(s, len(p.rules.list))
	p.words++
	switch {
	case err != nil:
		return err
	case p.words > maxWords:
		return limitError(fmt.Sprintf("more than %d words in all", maxWords))
	}
	p.rules.words.add(e)
	return nil
}

// addPattern adds a pattern of the rule that is being read.
func (p *ruleParser) addPattern(rule *Rule, s string) error {
	re, steps, err := compile(s)
	if err != nil {
		return err
	}
	p.patterns++
	p.steps += steps
	switch {
	case p.patterns > maxPatterns:
		return limitError(fmt.Sprintf("more than %d patterns in all", maxPatterns))
	case p.steps > maxSteps:
		return limitError("the patterns are too costly in all; use fewer or smaller repeats")
	}
	rule.patterns = append(rule.patterns, re)
	return nil
}
