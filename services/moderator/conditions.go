package moderator

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// conditionNames are the keys of a rule of which it has exactly one.
const conditionNames = "words, patterns, maxLinks, linksTo, linksNotTo, firstComments, maxRate, maxCopies, authors, networks"

// Bounds of a limit in time.
const (
	maxWithin    = 24 * time.Hour
	maxRateN     = 10_000
	patience     = time.Second // with the patterns, in all
	maxPatterned = 20_000      // characters that patterns are matched against
	limitFormat  = "must be a number and a time up to 24h, such as 5 in 10m"
)

// Limit is so many within a time, in a file "5 in 10m".
type Limit struct {
	N      int
	Within time.Duration
}

// String is the limit as the file has it.
func (l Limit) String() string { return fmt.Sprintf("%d in %s", l.N, l.Within) }

// MarshalText implements encoding.TextMarshaler.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// parseLimit reads what String writes; most bounds the number.
func parseLimit(s string, most int) (Limit, error) {
	number, within, ok := strings.Cut(s, " in ")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	d, timeErr := time.ParseDuration(strings.TrimSpace(within))
	if !ok || err != nil || timeErr != nil || d < time.Second || d > maxWithin {
		return Limit{}, errors.New(limitFormat)
	}
	if n < 1 || n > most {
		return Limit{}, fmt.Errorf("must have a number from 1 to %d", most)
	}
	return Limit{N: n, Within: d}, nil
}

// inspection is a text taken apart once for all rules.
type inspection struct {
	Text
	words     matches  // of the rules about words
	certain   evidence // what the text is and what a reader sees
	suspected evidence // what a reader may see
	until     time.Time
	long      bool // too long for patterns
	complex   bool // more markup than is read
}

func (r Rules) inspect(t Text) inspection {
	markup := t.reading()
	read := passagesOf(t, markup)
	in := inspection{Text: t, words: matches{}, until: time.Now().Add(r.patience), long: read.isLong(), complex: markup.TooComplex}
	in.certain, in.suspected = linksOf(t, markup, r.askHosts())
	in.certain.texts, in.suspected.texts = read.certain, read.doubtful
	for _, text := range read.certain {
		r.words.search(text, "", in.words)
	}
	for _, text := range read.doubtful {
		r.words.search(text, inMarkup, in.words)
	}
	return in
}

// overdue reports whether the rules have had their time.
func (in inspection) overdue() bool { return time.Now().After(in.until) }

// beyond says why the rule cannot decide, "" if it can.
func (r Rule) beyond(in inspection) string {
	switch {
	case in.complex && (r.Words != nil || r.patterns != nil || r.MaxLinks != nil || r.hosts != nil):
		return "has too much markup to be read"
	case r.patterns == nil:
		return ""
	case in.long:
		return "too long for the patterns"
	case in.overdue():
		return "the patterns took too long"
	}
	return ""
}

// match returns the match of the rule, which is the one with that index. Its words
// have been looked for already, those of all rules at once.
func (r Rule) match(index int, in inspection) (m match, ok bool) {
	if m, ok = in.words[index]; ok {
		return m, true
	}
	if r.matches(in, in.certain) {
		return match{}, true
	}
	return match{doubt: inMarkup}, r.matches(in, in.suspected)
}

// matches reports whether a rule about anything but words matches that evidence.
func (r Rule) matches(in inspection, e evidence) bool {
	under := func(list []string) func(string) bool {
		return func(host string) bool {
			return slices.ContainsFunc(list, func(listed string) bool { return host == listed || strings.HasSuffix(host, "."+listed) })
		}
	}
	switch {
	case r.MaxLinks != nil:
		return e.links > *r.MaxLinks
	case r.LinksTo != nil:
		return slices.ContainsFunc(e.hosts, under(r.hosts))
	case r.LinksNotTo != nil:
		listed := under(r.hosts)
		return slices.ContainsFunc(e.hosts, func(host string) bool { return !listed(host) })
	case r.FirstComments != nil:
		return in.Approved < *r.FirstComments
	case r.Authors != nil:
		return r.keys.any(in.AuthorKeys)
	case r.Networks != nil:
		return r.keys.any(in.NetworkKeys)
	case r.MaxRate != nil || r.MaxCopies != nil:
		return r.tooMany(in)
	}
	return slices.ContainsFunc(r.patterns, func(p *regexp.Regexp) bool {
		return !in.long && slices.ContainsFunc(e.texts, func(text string) bool { return !in.overdue() && p.MatchString(text) })
	})
}

// tooMany reports whether a rule about what is recent matches.
func (r Rule) tooMany(in inspection) bool {
	switch {
	case in.Anew:
		return in.Decided == r.Name
	case r.MaxRate != nil:
		return in.Rate[r.MaxRate.Within] > r.MaxRate.N
	default:
		return in.Copies[r.MaxCopies.Within] > r.MaxCopies.N
	}
}

// windows returns the times for which the rules ask how often something came.
func (r Rules) windows() (rates, copies []time.Duration) {
	for _, rule := range r.list {
		if rule.MaxRate != nil && !slices.Contains(rates, rule.MaxRate.Within) {
			rates = append(rates, rule.MaxRate.Within)
		}
		if rule.MaxCopies != nil && !slices.Contains(copies, rule.MaxCopies.Within) {
			copies = append(copies, rule.MaxCopies.Within)
		}
	}
	return rates, copies
}

// askFirst reports whether a rule asks how many comments of the author have been
// approved.
func (r Rules) askFirst() bool {
	return slices.ContainsFunc(r.list, func(rule Rule) bool { return rule.FirstComments != nil })
}

// askHosts reports whether a rule asks where links lead.
func (r Rules) askHosts() bool {
	return slices.ContainsFunc(r.list, func(rule Rule) bool { return rule.hosts != nil })
}

// condition reads the key of a rule that says when it decides.
func (p *ruleParser) condition(rule *Rule, pair *ast.MappingValueNode) (err error) {
	switch key := keyOf(pair); key {
	case "words":
		if rule.Words, err = readList(pair, p.addWord); err == nil {
			p.warn(pair.Value, rule.Words)
		}
	case "patterns":
		rule.Patterns, err = readList(pair, func(s string) error { return p.addPattern(rule, s) })
	case "maxLinks":
		rule.MaxLinks, err = readNumber(pair, 0)
	case "linksTo":
		rule.LinksTo, err = readList(pair, func(s string) error { return p.addHost(rule, s) })
	case "linksNotTo":
		rule.LinksNotTo, err = readList(pair, func(s string) error { return p.addHost(rule, s) })
	case "firstComments":
		rule.FirstComments, err = readNumber(pair, 1)
	case "maxRate":
		rule.MaxRate, err = readLimit(pair, maxRateN)
	case "maxCopies":
		rule.MaxCopies, err = readLimit(pair, maxCopies/2)
	case "authors":
		rule.Authors, err = readList(pair, func(s string) error { return p.addKey(rule, s) })
	case "networks":
		rule.Networks, err = readList(pair, func(s string) error { return p.addKey(rule, s) })
	default:
		err = mistake(pair.Key, "unknown key %q", key)
	}
	return err
}

// addHost adds a host to the rule that is being read.
func (p *ruleParser) addHost(rule *Rule, s string) error {
	name := host(hostOf(fold(clean(s))))
	p.words++
	switch {
	case name == "" || strings.ContainsAny(s, "/@:*? "):
		return errors.New("is not the name of a host, such as example.com")
	case p.words > maxWords:
		return limitError(fmt.Sprintf("more than %d words and hosts in all", maxWords))
	}
	rule.hosts = append(rule.hosts, name)
	return nil
}

// readNumber returns a whole number from least up.
func readNumber(pair *ast.MappingValueNode, least int) (*int, error) {
	if number, ok := pair.Value.(*ast.IntegerNode); ok {
		if n, err := strconv.Atoi(number.Token.Value); err == nil && n >= least && n <= maxNumber {
			return &n, nil
		}
	}
	return nil, mistake(pair.Value, "%s must be a whole number from %d to %d", keyOf(pair), least, maxNumber)
}

// readLimit returns a limit of at most so many.
func readLimit(pair *ast.MappingValueNode, most int) (*Limit, error) {
	s, err := readText(pair, maxName)
	if err != nil {
		return nil, err
	}
	limit, err := parseLimit(s, most)
	if err != nil {
		return nil, mistake(pair.Value, "%s %v", keyOf(pair), err)
	}
	return &limit, nil
}
