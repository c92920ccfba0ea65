package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/services/eventbus"
)

// lettersLooked is how many letters of each group are looked at for their reason.
const lettersLooked = 1000

// buried are the dead letters of one group.
type buried struct {
	group  string
	count  int64
	latest []bus.DeadLetter // as many as were looked at
}

// letters asks for the dead letters, and judges them.
func (f *findings) letters(ctx context.Context, o *operator) error {
	groups, err := eventbus.Groups(ctx, o.bus)
	if err != nil {
		return err
	}
	var all []buried
	for _, group := range groups {
		d := buried{group: group}
		if d.count, err = o.bus.DeadCount(ctx, group); err != nil {
			return err
		}
		if d.count > 0 {
			if d.latest, err = o.bus.Dead(ctx, bus.DeadQuery{Group: group, Limit: lettersLooked}); err != nil {
				return err
			}
		}
		all = append(all, d)
	}
	f.dead(all)
	return nil
}

// dead judges the dead letters. An entry that cannot be read is one finding for
// all the groups that gave it up: no repetition helps any of them.
func (f *findings) dead(all []buried) {
	const about = "dead letters"
	bad := false
	malformed := map[string][]bus.DeadID{} // by place
	for _, d := range all {
		rest := d.count
		for _, l := range d.latest {
			if strings.Contains(l.Error, event.ErrMalformed.Error()) {
				place := l.Stream + "/" + l.Entry.String()
				malformed[place] = append(malformed[place], l.DeadID)
				rest--
			}
		}
		if rest > 0 {
			bad = true
			f.add(wrong, about, letters(int(rest))+" of "+visible(d.group, 40), fmt.Sprintf(
				"newsfeed dead list --group %[1]s says why; once that is mended: newsfeed dead redrive --all --group %[1]s", visible(d.group, 40)))
		}
	}
	if places := slices.Sorted(maps.Keys(malformed)); len(places) > 0 {
		bad = true
		f.malformed(places, malformed)
	}
	if !bad {
		f.add(fine, about, "there are none", "")
	}
}

// malformedShown is how many entries that cannot be read are named.
const malformedShown = 5

func (f *findings) malformed(places []string, letters map[string][]bus.DeadID) {
	for i, place := range places {
		if i == malformedShown {
			f.add(wrong, "dead letters", fmt.Sprintf("%s more entries that cannot be read", thousands(int64(len(places)-i))),
				"newsfeed dead list shows them")
			return
		}
		groups, ids := make([]string, len(letters[place])), make([]string, len(letters[place]))
		for i, id := range letters[place] {
			groups[i], ids[i] = visible(id.Group, 40), shellQuoted(id.String())
		}
		says := fmt.Sprintf("%s cannot be read: given up by %s", visible(place, 200), groups[0])
		if n := len(groups); n > 1 {
			says = fmt.Sprintf("%s cannot be read: the same entry in %d groups, %s", visible(place, 200), n, strings.Join(groups, ", "))
		}
		f.add(wrong, "dead letters", says, fmt.Sprintf(
			"newsfeed dead show %s says what is wrong with it; sending it back changes nothing\nonce its writer is mended: newsfeed dead drop %s",
			ids[0], strings.Join(ids, " ")))
	}
}
