package event_test

import (
	"context"
	"testing"

	"newsfeed/internal/event"
)

func TestContext(t *testing.T) {
	type key struct{}
	plain := context.WithValue(t.Context(), key{}, "value")
	if got := event.IDFrom(plain); got != "" {
		t.Errorf("a plain context is for %q", got)
	}
	ctx, cancel := context.WithCancel(event.NewContext(plain, "one"))
	if got := event.IDFrom(ctx); got != "one" || ctx.Value(key{}) != "value" {
		t.Errorf("it is for %q and has %v", got, ctx.Value(key{}))
	}
	if cancel(); ctx.Err() == nil || event.IDFrom(event.NewContext(ctx, "two")) != "two" {
		t.Errorf("it is not as contexts are: %v", ctx.Err())
	}
}

func TestValidTraceParent(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for text, want := range map[string]bool{
		"00-" + trace + "-" + span + "-01": true, "01-" + trace + "-" + span + "-00": true,
		"": false, "t": false, "00-" + trace + "-" + span: false, "ff-" + trace + "-" + span + "-01": false,
		"00-00000000000000000000000000000000-" + span + "-01": false, "00-" + trace + "-0000000000000000-01": false,
		"00-" + trace + "-" + span + "-01\r\nX: y": false, "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01": false,
	} {
		if got := event.ValidTraceParent(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
