package comments

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
)

// rig is what the service does with events, on a Redis of its own, without the
// process around it: a test hands out the entries itself, in an order of its own.
type rig struct {
	client   *redis.Client
	bus      *bus.Bus
	store    *store
	consumer *consumer
}

func newRig(t testing.TB) *rig {
	t.Helper()
	client := bustest.Start(t, "--appendonly", "no").Client()
	b := bus.New(context.Background(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	s := &store{bus: b}
	return &rig{client: client, bus: b, store: s, consumer: &consumer{store: s, awaited: map[bus.ID]bus.ID{}}}
}

// fataler is a test, or one run of a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// append writes an entry as any program can and returns it as it is handed out.
// source may be empty, and at "*".
func (r *rig) append(t fataler, stream, at, source, typ, data string) bus.Entry {
	t.Helper()
	ctx := context.Background()
	values := []string{"type", typ, "data", data}
	if source != "" {
		values = append(values, "source", source)
	}
	if err := r.client.XAdd(ctx, &redis.XAddArgs{Stream: stream, ID: at, Values: values}).Err(); err != nil {
		t.Fatal(err)
	}
	all := r.stream(t, stream)
	return all[len(all)-1]
}

// foreign writes an entry to the stream where its type belongs.
func (r *rig) foreign(t fataler, typ, data string, args ...any) bus.Entry {
	t.Helper()
	return r.append(t, event.Stream(event.Owner(typ)), "*", "somebody", typ, fmt.Sprintf(data, args...))
}

// own is foreign of the type's owner.
func (r *rig) own(t fataler, typ, data string, args ...any) bus.Entry {
	t.Helper()
	return r.append(t, event.Stream(event.Owner(typ)), "*", event.Owner(typ), typ, fmt.Sprintf(data, args...))
}

func (r *rig) stream(t fataler, stream string) []bus.Entry {
	t.Helper()
	all, err := r.bus.Range(context.Background(), stream, bus.ID{}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// handle hands out entries, one after the other.
func (r *rig) handle(t fataler, entries ...bus.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := r.consumer.handle(context.Background(), e); err != nil {
			t.Fatal(e.Event.Type, string(e.Event.Data), err)
		}
	}
}

// write makes a comment on post p as the service does for HTTP.
func (r *rig) write(t fataler, id, content string) {
	t.Helper()
	ctx := context.Background()
	if err := r.store.postSeen(ctx, "p"); err != nil {
		t.Fatal(err)
	}
	c := held()
	c.ID, c.Content = id, content
	if _, err := r.store.create(ctx, c, service.Once{}); err != nil {
		t.Fatal(err)
	}
}

// patch changes the text as PATCH does.
func (r *rig) patch(t fataler, id, content string) {
	t.Helper()
	_, err := r.store.change(context.Background(), id, event.TypeCommentEdited, nil, func(c Comment) (Comment, bool, error) {
		if c.Version == 0 || c.Deleted {
			return c, false, nil
		}
		next, changed := c.edited(edit{Content: &content})
		return next, changed, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) load(t fataler, id string) Comment {
	t.Helper()
	c, _, err := r.store.load(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listed returns the members of the comments' indexes.
func (r *rig) listed(t fataler, post string) [2][]string {
	t.Helper()
	var found [2][]string
	for i, key := range []string{ids, ofKey(post)} {
		var err error
		if found[i], err = r.client.ZRange(context.Background(), key, 0, -1).Result(); err != nil {
			t.Fatal(err)
		}
	}
	return found
}
