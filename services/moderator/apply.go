package moderator

import (
	"context"
	"log/slog"
	"time"

	"newsfeed/internal/bus"
)

// Again says which comments are judged anew, and by what.
type Again struct {
	Rules Rules
	// Config says whether there is an external judge, who is asked where a rule
	// decided and none does any more, and Log is told where the judge fails.
	Config Config
	Log    *slog.Logger
	// Since leaves out texts that came before; zero takes them all. Last takes that
	// many of the latest; 0 takes them all.
	Since time.Time
	Last  int
	// DryRun finds what would change and changes nothing.
	DryRun bool
	// Changed, if set, is told of each comment whose verdict changes, and Progress
	// from time to time how far it is.
	Changed  func(Change)
	Progress func(Tally)
}

// Change is a verdict that another one takes the place of.
type Change struct {
	Comment, Content string
	Was, Now         Verdict
}

// Tally counts comments.
type Tally struct {
	Seen    int
	Changed int
	// ByPerson were decided by a person, whose decision stays.
	ByPerson int
}

// againChunk is how many comments are read at once.
const againChunk = 100

// JudgeAgain judges comments anew, the latest first. Decisions of people stay, and
// so do those of the external judge where no rule decides. A comment that is
// changed by somebody else meanwhile is judged as it is then. It may be run again
// at any time, and goes over what is done without a trace.
func JudgeAgain(ctx context.Context, b *bus.Bus, a Again) (Tally, error) {
	s, j := newStore(b), a.Config.judge(a.Log)
	var tally Tally
	var after bus.Member
	for a.Last == 0 || tally.Seen < a.Last {
		ids, last, err := s.bus.Walk(ctx, idsKey, true, after, againChunk)
		if err != nil {
			return tally, err
		}
		comments, err := s.loadAll(ctx, ids)
		if err != nil {
			return tally, err
		}
		for _, d := range comments {
			if d.Entry.Time().Before(a.Since) || a.Last > 0 && tally.Seen == a.Last {
				return tally, nil
			}
			if err := a.one(ctx, s, j, d, &tally); err != nil {
				return tally, err
			}
		}
		if a.Progress != nil {
			a.Progress(tally)
		}
		if after = last; after == (bus.Member{}) {
			break
		}
	}
	return tally, nil
}

// one judges one comment anew.
func (a Again) one(ctx context.Context, s *store, j *judge, d decision, tally *Tally) error {
	tally.Seen++
	was := d
	next := func(d decision) (decision, bool, error) {
		if !d.exists() || d.byPerson() {
			return d, false, nil
		}
		v, who, err := a.verdict(ctx, s, j, d)
		if err != nil || v == d.verdict() {
			return d, false, err
		}
		was = d
		return d.judged(v, who, time.Now()), true, nil
	}
	if d.byPerson() {
		tally.ByPerson++
	}
	var now decision
	var changed bool
	var err error
	if a.DryRun {
		now, changed, err = next(d)
	} else {
		now, err = s.change(ctx, d.ID, func(d decision) (decision, bool, error) {
			n, c, err := next(d)
			changed = c
			return n, c, err
		})
	}
	if err != nil || !changed {
		return err
	}
	tally.Changed++
	if a.Changed != nil {
		a.Changed(Change{Comment: now.ID, Content: now.Content, Was: was.verdict(), Now: now.verdict()})
	}
	return nil
}

// verdict is what is to be said of a text now, and who says it.
func (a Again) verdict(ctx context.Context, s *store, j *judge, d decision) (v Verdict, who string, err error) {
	if d.Block != "" {
		return d.verdict(), byRules, nil // somebody blocked the author: it stays until a person decides
	}
	text, err := s.facts(ctx, a.Rules, d, false)
	if err != nil {
		return v, "", err
	}
	text.Anew, text.Decided = true, d.Rule
	v = a.Rules.Decide(text)
	switch {
	case v.Rule != "":
		return v, byRules, nil
	case d.Moderator == byJudge:
		return d.verdict(), byJudge, nil
	case j != nil && d.Rule != "":
		v, err = j.ask(ctx, d)
		return v, byJudge, err
	}
	return v, byRules, nil
}
