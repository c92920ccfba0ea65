package moderator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/markdown"
)

// What rules ask about the author and about other comments is counted up to the
// entry that is judged and by the time of entries, not by the clock: judging the
// entry again, now or in a replay, finds the same. Two entries that are judged at
// the same moment may miss each other, so a limit can let one more through.

// lateness is how much later than entries after it an entry may be judged, or
// judged again, and still find what came before it.
const lateness = 2 * time.Hour

// maxCopies bounds how many places of one text are looked at.
const maxCopies = 200

// facts returns the text of d with what the rules need to know of its author and
// of other comments. With note, it also notes that the text has come.
func (s *store) facts(ctx context.Context, rules Rules, d decision, note bool) (Text, error) {
	t, err := s.lookUp(ctx, rules, d, note)
	if note && bus.Full(err) {
		if err = s.noteWhenFull(ctx, rules, d); err == nil {
			t, err = s.lookUp(ctx, rules, d, false)
		}
	}
	return t, bus.Err("what is known of an author", err)
}

// lookUp is facts in one round trip.
func (s *store) lookUp(ctx context.Context, rules Rules, d decision, note bool) (Text, error) {
	authors := d.authors()
	t := Text{
		Content: d.Content, Author: d.Author, KnownAuthor: len(authors) > 0,
		AuthorKeys: authors, NetworkKeys: d.networks(),
	}
	rates, copies := rules.windows()
	first := t.KnownAuthor && rules.askFirst()
	same := ""
	if len(copies) > 0 {
		same = sameKey(fingerprint(d.Content, t.reading()))
	}
	// What is known of an author under any of their keys counts, and of two keys the
	// one under which more is known.
	approved, own := make([]*redis.IntCmd, len(authors)), make([]*redis.BoolCmd, len(authors))
	recent := map[time.Duration][]*redis.IntCmd{}
	copied := map[time.Duration]*redis.StringSliceCmd{}
	_, err := s.bus.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, author := range authors {
			if note && len(rates) > 0 {
				remember(ctx, p, paceKey(author), d.Entry, "", rates)
			}
		}
		if note && len(copies) > 0 {
			remember(ctx, p, same, d.Entry, d.ID, copies)
		}
		for i, author := range authors {
			if first {
				approved[i] = p.SCard(ctx, authorKey(event.Approved, author))
				own[i] = p.SIsMember(ctx, authorKey(event.Approved, author), d.ID)
			}
			for _, within := range rates {
				recent[within] = append(recent[within],
					p.ZLexCount(ctx, paceKey(author), "("+place(d.Entry, -within), "["+place(d.Entry, 0)))
			}
		}
		for _, within := range copies {
			copied[within] = p.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: same, ByLex: true, Rev: true, Start: "[" + place(d.Entry, 0) + "\xff", Stop: "(" + place(d.Entry, -within) + "\xff",
				Count: maxCopies,
			})
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	for i := range authors {
		if !first {
			break
		}
		n := int(approved[i].Val())
		if own[i].Val() {
			n-- // an edit of an approved comment does not vouch for itself
		}
		t.Approved = max(t.Approved, n)
	}
	t.Rate, t.Copies = map[time.Duration]int{}, map[time.Duration]int{}
	for within, counts := range recent {
		for _, n := range counts {
			t.Rate[within] = max(t.Rate[within], int(n.Val()))
		}
	}
	for within, found := range copied {
		t.Copies[within] = distinct(found.Val(), d.ID)
	}
	return t, nil
}

// noteWhenFull notes that a text has come, in a Redis that has refused to because it
// is full. What no rule can ask for any more has been dropped already.
func (s *store) noteWhenFull(ctx context.Context, rules Rules, d decision) error {
	note := func(key, comment string, windows []time.Duration) error {
		err := s.bus.Do(ctx, "ZADD", key, 0, place(d.Entry, 0)+comment).Err()
		if err == nil {
			err = s.bus.Redis().PExpire(ctx, key, kept(windows)).Err()
		}
		return err
	}
	rates, copies := rules.windows()
	for _, author := range d.authors() {
		if len(rates) == 0 {
			break
		}
		if err := note(paceKey(author), "", rates); err != nil {
			return err
		}
	}
	if len(copies) > 0 {
		return note(sameKey(fingerprint(d.Content, markdown.Read(d.Content))), d.ID, copies)
	}
	return nil
}

// place is a member of a sorted set that sorts by entry, shifted in time. It has a
// fixed width, so that the order of bytes is that of entries.
func place(id bus.ID, shift time.Duration) string {
	ms := id.Ms
	if back := uint64(-shift.Milliseconds()); shift < 0 { //nolint:gosec // negative by the condition
		ms -= min(ms, back)
	}
	return fmt.Sprintf("%020d-%020d ", ms, id.Seq)
}

// remember adds an entry to a list of recent ones and drops what no rule can ask
// for any more.
func remember(ctx context.Context, p redis.Pipeliner, key string, id bus.ID, comment string, windows []time.Duration) {
	keep := kept(windows)
	p.ZAdd(ctx, key, redis.Z{Member: place(id, 0) + comment})
	p.ZRemRangeByLex(ctx, key, "-", "("+place(id, -keep))
	p.PExpire(ctx, key, keep)
}

// kept is for how long a rule can ask for an entry.
func kept(windows []time.Duration) time.Duration { return slices.Max(windows) + lateness }

// distinct counts the comments that the members name, this one included.
func distinct(members []string, comment string) int {
	seen := map[string]bool{comment: true}
	for _, m := range members {
		_, id, _ := strings.Cut(m, " ")
		seen[id] = true
	}
	return len(seen)
}

// fingerprint is the same for texts that show the same: their words alone count,
// or if they have none what they show, and where the links lead that show something.
func fingerprint(content string, r markdown.Reading) string {
	if n := len(r.Visible); n > 0 {
		content = r.Visible[n-1]
	}
	for _, target := range r.Targets {
		if target.Shown {
			content += "\n" + target.URL
		}
	}
	cleaned := clean(content)
	text := string(read(fold(cleaned), false).trimmed())
	if text == "" {
		text = "\x00" + strings.Join(strings.Fields(cleaned), " ")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// history is what is known of an author from earlier comments.
type history struct {
	Approved int64 `json:"approved"`
	Rejected int64 `json:"rejected"`
	Held     int64 `json:"held"`
	// First is true if no other comment of the author has been judged.
	First bool `json:"first"`
}

// histories returns what is known of the authors of held comments, nil where
// nothing tells the author from another.
func (s *store) histories(ctx context.Context, comments []decision) ([]*history, error) {
	all := make([]*history, len(comments))
	counts := make([][3][]*redis.IntCmd, len(comments))
	p := s.bus.Redis().Pipeline()
	for i, d := range comments {
		for j, status := range []event.Status{event.Approved, event.Rejected, event.Flagged} {
			for _, author := range d.authors() {
				counts[i][j] = append(counts[i][j], p.SCard(ctx, authorKey(status, author)))
			}
		}
	}
	if p.Len() > 0 {
		if _, err := p.Exec(ctx); err != nil {
			return nil, bus.Err("history of authors", err)
		}
	}
	for i, n := range counts {
		if len(n[0]) == 0 {
			continue
		}
		h := &history{Approved: most(n[0]), Rejected: most(n[1]), Held: most(n[2])}
		h.First = h.Approved+h.Rejected+h.Held <= 1
		all[i] = h
	}
	return all, nil
}

// most returns the greatest of the counts.
func most(counts []*redis.IntCmd) (n int64) {
	for _, c := range counts {
		n = max(n, c.Val())
	}
	return n
}
