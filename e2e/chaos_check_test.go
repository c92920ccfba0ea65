package e2e

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// violation is a promise that was not kept for one post or comment, or for all.
type violation struct {
	id   string
	what string
	t    *thing
}

// check looks for broken promises. What the system still has to do it gets time for.
func (c *chaos) check() {
	c.t.Helper()
	wrong := slices.Clone(c.load.wrong)
	if left := c.settle(90 * time.Second); left != "" {
		wrong = append(wrong, violation{what: "pending for ever: " + left})
	}
	told := c.readStreams()
	wrong = append(wrong, told.violations()...)
	wrong = append(wrong, c.load.unkept(told)...)
	var shown []violation
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if shown = c.compare(told); len(shown) == 0 || time.Now().After(deadline) {
			break
		}
	}
	c.report(append(append(wrong, shown...), c.verify()...), told)
}

// verify has the operator's command compare the view with the streams, too: it
// looks at all that is stored, and not only at what is shown.
func (c *chaos) verify() []violation {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "newsfeed"), "verify", "--redis-url", c.redis.URL())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return []violation{{what: fmt.Sprintf("newsfeed verify: %v\n%s", err, out)}}
	}
	c.t.Logf("newsfeed verify:\n%s", out)
	return nil
}

func (c *chaos) report(wrong []violation, told *account) {
	c.t.Helper()
	posts, comments := told.standing()
	c.t.Logf("%d entries on the streams make %d posts and %d comments", told.entries, len(posts), len(comments))
	if len(wrong) == 0 {
		return
	}
	histories := map[string]bool{}
	for i, v := range wrong {
		if i == 20 {
			c.t.Errorf("and %d more", len(wrong)-i)
			return
		}
		c.t.Errorf("%s: %s", v.id, v.what)
		if histories[v.id] || len(histories) == 5 {
			continue
		}
		histories[v.id] = true
		if v.t == nil {
			v.t = c.load.find(v.id)
		}
		if v.t != nil {
			c.t.Logf("what its writer saw:\n\t%s", strings.Join(v.t.history, "\n\t"))
		}
		if v.id != "" {
			c.t.Logf("what the streams say:\n\t%s", strings.Join(told.history[v.id], "\n\t"))
		}
	}
}

func (l *load) find(id string) *thing {
	for _, t := range l.things {
		if t.id == id {
			return t
		}
	}
	return nil
}

// settle waits until no group has anything left to do, and returns what is left.
func (c *chaos) settle(within time.Duration) (left string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), within)
	defer cancel()
	client := c.redis.Client()
	before, quiet := int64(-1), 0
	until(ctx, func() bool {
		var entries int64
		last := left
		left = ""
		for _, name := range services {
			stream := "{" + name + "}:events"
			info, err := client.XInfoStream(ctx, stream).Result()
			if redis.HasErrorPrefix(err, "no such key") {
				continue
			}
			groups, groupsErr := client.XInfoGroups(ctx, stream).Result()
			if err != nil || groupsErr != nil {
				left += fmt.Sprintf("%s: %v %v; ", stream, err, groupsErr)
				continue
			}
			entries += info.Length
			for _, g := range groups { // not by the lag, which is wrong after a failover
				if g.Pending > 0 || g.LastDeliveredID != info.LastGeneratedID {
					left += fmt.Sprintf("%s of %s: %d pending, read up to %s of %s; ", g.Name, stream, g.Pending, g.LastDeliveredID, info.LastGeneratedID)
				}
			}
		}
		// An entry that was handled a moment ago may have made another.
		if left == "" && entries == before {
			quiet++
		} else {
			quiet = 0
		}
		before = entries
		if ctx.Err() != nil {
			left = last // why it could not ask now is of no interest
		}
		return quiet >= 10
	})
	return left
}

// unkept returns what was acknowledged and is not, or not once, on the streams.
func (l *load) unkept(told *account) (wrong []violation) {
	for _, t := range l.things {
		for _, text := range t.texts {
			if n := told.texts[text]; n != 1 {
				wrong = append(wrong, violation{t.id, fmt.Sprintf("%q was acknowledged and stands %d times on the stream", text, n), t})
			}
		}
		if t.id == "" {
			continue
		}
		is, there := told.last[t.id]
		switch gone := t.gone || t.parent != nil && t.parent.gone; {
		case !there:
			wrong = append(wrong, violation{t.id, "was acknowledged and is on no stream", t})
		case gone != is.deleted():
			wrong = append(wrong, violation{t.id, fmt.Sprintf("deleted: %v, want %v", is.deleted(), gone), t})
		case gone:
		case is.text() != t.texts[len(t.texts)-1]:
			wrong = append(wrong, violation{t.id, fmt.Sprintf("text %q, want %q", is.text(), t.texts[len(t.texts)-1]), t})
		case t.parent != nil && is.Status != verdictOn(is.text()):
			wrong = append(wrong, violation{t.id, fmt.Sprintf("status %q, want %q", is.Status, verdictOn(is.text())), t})
		}
	}
	return wrong
}

func verdictOn(text string) string {
	if strings.Contains(text, "racism") {
		return "rejected"
	}
	return "approved"
}

// compare returns where the services and the view differ from what the streams say.
func (c *chaos) compare(told *account) (wrong []violation) {
	c.t.Helper()
	posts, comments := told.standing()
	counts := map[string]int64{}
	for _, said := range comments {
		if said.Status == "approved" {
			counts[said.PostID]++
		}
	}
	for _, service := range []string{"posts", "query"} {
		listed := map[string]string{}
		for _, p := range list[post](c.system, service, "/posts?limit=100") {
			listed[p.ID] += fmt.Sprintf("%q version %d; ", p.Title, p.Version)
			if service == "query" && p.CommentCount != counts[p.ID] {
				wrong = append(wrong, violation{id: p.ID, what: fmt.Sprintf("query counts %d comments, want %d", p.CommentCount, counts[p.ID])})
			}
		}
		want := map[string]string{}
		for id, said := range posts {
			want[id] = fmt.Sprintf("%q version %d; ", said.Title, said.Version)
		}
		wrong = append(wrong, differences(service, listed, want)...)
	}

	want := map[string]string{}
	for id, said := range comments {
		want[id] = seenAs(said.Status, said.Content, said.Version)
	}
	stored, shown := map[string]string{}, map[string]string{}
	for _, found := range list[comment](c.system, "comments", "/comments/all?limit=100") {
		stored[found.ID] += seenAs(found.Status, found.Content, found.Version)
	}
	for id := range posts {
		for _, found := range list[comment](c.system, "query", "/posts/"+id+"/comments?limit=100") {
			shown[found.ID] += seenAs(found.Status, found.Content, found.Version)
		}
	}
	wrong = append(wrong, differences("comments", stored, want)...)
	return append(wrong, differences("query", shown, want)...)
}

// seenAs is how a comment is to be seen by everybody.
func seenAs(status, content string, version int64) string {
	if status != "approved" {
		content = ""
	}
	return fmt.Sprintf("%s %q version %d; ", status, content, version)
}

// differences compares what a service lists, all of one id in one text, with what
// it must.
func differences(service string, got, want map[string]string) (wrong []violation) {
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if got[id] != want[id] {
			wrong = append(wrong, violation{id: id, what: fmt.Sprintf("%s has %s want %s", service, got[id], want[id])})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if _, there := got[id]; !there {
			wrong = append(wrong, violation{id: id, what: fmt.Sprintf("%s does not have it; want %s", service, want[id])})
		}
	}
	return wrong
}
