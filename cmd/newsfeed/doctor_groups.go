package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"newsfeed/internal/bus"
)

// longPending is how long an entry may be in work: handlers are cut off after
// half a minute, and what fails is tried again for less than that.
const longPending = time.Minute

// waiting is what waits for a group.
type waiting struct {
	entries int64
	unknown bool // Redis cannot tell of all
	oldest  time.Duration
}

// waits is what waits for each group on each stream.
type waits map[struct{ stream, group string }]waiting

// waits asks what waits.
func (o *operator) waits(ctx context.Context, infos []bus.StreamInfo) (waits, error) {
	all := waits{}
	for _, info := range infos {
		p, err := o.bus.Progress(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		for _, g := range p.Groups {
			w := waiting{entries: g.Pending, unknown: g.Lag == nil, oldest: g.Behind()}
			if g.Lag != nil {
				w.entries += *g.Lag
			}
			all[struct{ stream, group string }{info.Name, g.Name}] = w
		}
	}
	return all, nil
}

// of adds up what waits for a group on some streams, or on all that it reads.
func (all waits) of(group string, streams ...string) waiting {
	var sum waiting
	for at, w := range all {
		if at.group == group && (streams == nil || slices.Contains(streams, at.stream)) {
			sum.entries += w.entries
			sum.unknown = sum.unknown || w.unknown
			sum.oldest = max(sum.oldest, w.oldest)
		}
	}
	return sum
}

// text says how much waits.
func (w waiting) text() string {
	switch {
	case w.entries == 0 && w.unknown:
		return ""
	case w.entries == 0:
		return "; nothing waits"
	case w.entries == 1:
		return "; 1 entry waits, for " + ago(w.oldest)
	default:
		return fmt.Sprintf("; %s entries wait, the oldest for %s", thousands(w.entries), ago(w.oldest))
	}
}

// groups judges who reads, who should, and what waits where nobody does. cli calls
// redis-cli on the Redis that was asked.
func (f *findings) groups(expected []string, infos []bus.StreamInfo, behind waits, cli string) {
	const about = "groups"
	seen, unread := map[string]bool{}, map[string][]string{}
	bad := false
	for _, info := range infos {
		for _, g := range info.Groups {
			if g.Paused != nil && !seen[g.Name] {
				f.add(note, about, visible(g.Name, 40)+" is paused"+pauseText(*g.Paused)+behind.of(g.Name).text(),
					"once the reason is gone: newsfeed resume "+visible(g.Name, 40))
			}
			seen[g.Name] = true
			if !slices.ContainsFunc(g.Consumers, func(c bus.ConsumerInfo) bool { return c.Alive }) {
				unread[g.Name] = append(unread[g.Name], info.Name)
			}
		}
	}
	for _, name := range expected {
		if !seen[name] {
			bad = true
			f.add(wrong, about, name+" has never run here", startAdvice(cli, name, nil, expected))
		}
	}
	for _, info := range infos {
		for _, g := range info.Groups {
			if on := unread[g.Name]; len(on) > 0 {
				delete(unread, g.Name)
				bad = true
				f.add(wrong, about, fmt.Sprintf("nobody reads %s for %s%s", strings.Join(on, ", "), visible(g.Name, 40), behind.of(g.Name, on...).text()),
					startAdvice(cli, g.Name, on, expected))
			}
		}
	}
	if !bad {
		f.add(fine, about, "each has living consumers", "")
	}
}

func startAdvice(cli, name string, on, services []string) string {
	if slices.Contains(services, name) {
		return "start it: newsfeed up starts all, cmd/" + name + " this one"
	}
	do := "start what reads under that name, or take the group away:"
	for _, stream := range on {
		do += fmt.Sprintf("\n%s XGROUP DESTROY %s %s", cli, shellQuoted(stream), shellQuoted(name))
	}
	return do
}

// unfinished is an entry that a group has had in work for too long.
type unfinished struct {
	group string
	bus.PendingEntry
}

// stuck returns one such entry of each group and stream, paused ones left out.
func stuck(ctx context.Context, o *operator, infos []bus.StreamInfo) ([]unfinished, error) {
	var found []unfinished
	for _, info := range infos {
		for _, g := range info.Groups {
			if g.Paused != nil || g.Pending == 0 {
				continue
			}
			entries, err := o.bus.Pending(ctx, bus.PendingQuery{Stream: info.Name, Group: g.Name, Idle: longPending, Limit: 1})
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				found = append(found, unfinished{g.Name, e})
			}
		}
	}
	return found, nil
}

// work judges what is taken and not finished, and what grew between two looks.
func (f *findings) work(before, after []bus.StreamInfo, stuck []unfinished) {
	const about = "work"
	advice := func(group string) string {
		return fmt.Sprintf("newsfeed pending --group %[1]s shows more, the log of %[1]s says why", visible(group, 40))
	}
	for _, u := range stuck {
		f.add(wrong, about, fmt.Sprintf("%s has had an entry of %s in work for %s (%s, with %s)",
			visible(u.group, 40), u.Stream, ago(u.Idle), u.ID, visible(u.Consumer, 64)), advice(u.group))
	}
	grown := false
	for _, info := range after {
		for _, g := range info.Groups {
			old, ok := groupOn(before, info.Name, g.Name)
			if ok && g.Paused == nil && old.Pending > 0 && g.Pending >= old.Pending && grows(old.Lag, g.Lag) {
				grown = true
				f.add(note, about, fmt.Sprintf("more comes on %s than %s finishes: %s in work, %s before it, the oldest for %s",
					info.Name, visible(g.Name, 40), thousands(g.Pending), thousands(*g.Lag), ago(g.OldestPending)), advice(g.Name))
			}
		}
	}
	if len(stuck) == 0 && !grown {
		f.add(fine, about, "nothing is taken and left unfinished", "")
	}
}

// groupOn finds a group in the states of the streams.
func groupOn(infos []bus.StreamInfo, stream, group string) (bus.GroupInfo, bool) {
	for _, info := range infos {
		for _, g := range info.Groups {
			if info.Name == stream && g.Name == group {
				return g, true
			}
		}
	}
	return bus.GroupInfo{}, false
}

// grows reports whether a lag has grown, as far as Redis can tell.
func grows(before, now *int64) bool { return before != nil && now != nil && *now > *before }
