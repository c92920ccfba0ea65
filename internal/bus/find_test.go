package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const other = "{comments}:events"

// madeAt returns a UUIDv7 of that time; n tells it from others.
func madeAt(at time.Time, n int) string {
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	return fmt.Sprintf("%s-%s-7000-8000-%012x", ms[:8], ms[8:], n)
}

// put writes an entry as if it had been appended at that time. links may hold
// the ids of its correlation and its cause.
func (r *rig) put(to string, at time.Time, n int, id string, links ...string) string {
	r.t.Helper()
	values := []string{"type", event.TypePostCreated, "data", `{"id":"p"}`}
	for i, name := range []string{"id", "correlationid", "causationid"} {
		if all := append([]string{id}, links...); i < len(all) && all[i] != "" {
			values = append(values, name, all[i])
		}
	}
	place := fmt.Sprintf("%d-%d", at.UnixMilli(), n)
	if err := r.client.XAdd(context.Background(), &redis.XAddArgs{Stream: to, ID: place, Values: values}).Err(); err != nil {
		r.t.Fatal(err)
	}
	return to + "/" + place
}

// reads counts the commands that a client sends.
type reads struct{ count int }

func (r *reads) DialHook(next redis.DialHook) redis.DialHook { return next }
func (r *reads) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (r *reads) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasSuffix(cmd.Name(), "range") {
			r.count++
		}
		return next(ctx, cmd)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	r := mini(t)
	for i := range 1000 {
		r.put(stream, now.Add(time.Duration(i-500)*time.Minute), 1, fmt.Sprint("foreign-", i))
	}
	for i := range 300 { // a busy time, shortly before
		r.put(other, now.Add(-time.Minute), i, fmt.Sprint("busy-", i))
	}
	soon := madeAt(now.Add(-time.Second/2), 1)
	late := madeAt(now.Add(-5*time.Minute), 2)
	wrong := madeAt(now.Add(100*time.Hour), 3) // its writer's clock was
	wants := map[string]string{
		soon:         r.put(other, now, 1, soon),
		late:         r.put(other, now, 2, late),
		wrong:        r.put(other, now, 3, wrong),
		"foreign-17": fmt.Sprintf("%s/%d-1", stream, now.Add((17-500)*time.Minute).UnixMilli()),
	}
	byPlace := r.put(other, now, 4, "")
	wants[byPlace] = byPlace
	for id, want := range wants {
		got, err := r.Find(t.Context(), id, bus.Search{Streams: []string{stream, other}})
		if place := got.Stream + "/" + got.ID.String(); err != nil || place != want || got.Event.ID != id {
			t.Errorf("%s: found %s at %s, %v, want it at %s", id, got.Event.ID, place, err, want)
		}
	}
	// A time in the id spares looking through everything.
	var counted reads
	r.client.AddHook(&counted)
	for id, most := range map[string]int{soon: 2, late: 5} { // pages
		counted.count = 0
		if _, err := r.Find(t.Context(), id, bus.Search{Streams: []string{stream, other}}); err != nil || counted.count > most {
			t.Errorf("%s: %d reads, %v, want at most %d", id, counted.count, err, most)
		}
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	r := mini(t)
	for i := range 450 {
		r.put(stream, now, i+1, fmt.Sprint("e", i))
	}
	tests := []struct {
		id   string
		most int
		cut  []string
	}{
		{"x", 0, nil},
		{"x", 450, nil},
		{"e0", 449, []string{stream}},
		{madeAt(now, 7), 0, nil},
		{stream + "/1-0", 0, nil},
		{"{nobody}:events/1-0", 0, nil},
	}
	for _, tt := range tests {
		progress := []int{}
		_, err := r.Find(t.Context(), tt.id, bus.Search{Streams: []string{stream, other}, Most: tt.most, Progress: func(done, most int) {
			progress = append(progress, done)
			if want := 2 * max(tt.most, 1); tt.most > 0 && most != want {
				t.Errorf("of at most %d, want %d", most, want)
			}
		}})
		missing, ok := errors.AsType[*bus.NotFoundError](err)
		if !ok || !errors.Is(err, bus.ErrNotFound) {
			t.Errorf("%s: %v, want %v", tt.id, err, bus.ErrNotFound)
			continue
		}
		if diff := cmp.Diff(tt.cut, missing.Cut); diff != "" {
			t.Errorf("%s of at most %d: cut (-want +got):\n%s", tt.id, tt.most, diff)
		}
		if !strings.Contains(tt.id, "/") && len(progress) == 0 {
			t.Errorf("%s: no progress was told", tt.id)
		}
	}
}
