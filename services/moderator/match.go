package moderator

import "newsfeed/internal/event"

// match says what of a rule matches a text, and whether the match is certain.
type match struct {
	entry string // the listed word, "" where the rule lists none
	// doubt is why the match may only hold the comment; "" means that the rule
	// decides as it says.
	doubt string
}

// holdOnly reports whether the match may hold a comment and do no more.
func (m match) holdOnly() bool { return m.doubt != "" }

// matches has the best match of each rule, by the rule's index.
type matches map[int]match

// add notes a match of a rule. A certain match replaces a doubtful one.
func (m matches) add(rule int, found match) {
	if before, ok := m[rule]; !ok || before.holdOnly() && !found.holdOnly() {
		m[rule] = found
	}
}

// limited reports whether the rule may not decide as it says, because its match is
// doubtful. A rule that holds can: no more than that is asked of it.
func (r Rule) limited(m match) bool { return m.holdOnly() && r.Then != thenHold }

// verdict is what the rule says where its match is certain.
func (r Rule) verdict() Verdict {
	return Verdict{Status: r.status(), Reason: r.Reason, Note: r.Note, Rule: r.Name}
}

// decide returns the verdict of the first rule that matches. Where that match is
// doubtful, a rule that rejects holds the comment instead, unless a later rule
// rejects it with certainty, and a rule that approves does not match at all: a
// doubtful match must not shield a text.
func (r Rules) decide(in inspection) Verdict {
	result := Verdict{Status: event.Approved}
	for i, rule := range r.list {
		m, ok := rule.match(i, in)
		switch {
		case !ok || rule.limited(m) && rule.Then == thenApprove:
		case !rule.limited(m) && (result.Rule == "" || rule.Then == thenReject):
			return rule.verdict()
		case !rule.limited(m):
			return result
		case result.Rule == "":
			result = rule.verdict()
			result.Status, result.Reason = event.Flagged, rule.Reason+"; held, because "+m.doubt
		}
		if why := rule.beyond(in); why != "" && result.Rule == "" {
			return Verdict{Status: event.Flagged, Reason: why, Rule: rule.Name}
		}
	}
	return result
}
