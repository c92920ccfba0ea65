package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// order is what the events of some other project carry.
type order struct {
	ID    string `json:"id"`
	Cents int    `json:"cents"`
}

// PostKey is the subject: events of one order are handled in order.
func (o order) PostKey() string { return o.ID }

// Validate implements [event.Payload].
func (o order) Validate() error {
	if o.Cents <= 0 {
		return errors.New("an order costs something")
	}
	return nil
}

// An example, and a test so that it has a Redis: one service stores an order and says
// so in one write, another one reads of it. docs/bus.md explains it.
func TestExample(t *testing.T) {
	client, err := bus.Connect(bustest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	b := bus.New(t.Context(), client, bus.Options{})
	defer b.Close()

	placed := order{ID: "o-1", Cents: 4200}
	e, err := event.New("orders", "OrderPlaced", placed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(placed)
	if err != nil {
		t.Fatal(err)
	}
	change := bus.Change{Key: "{orders}:doc:o-1", Doc: doc, Stream: "{orders}:events", Event: e}
	if _, err := b.Commit(t.Context(), change); err != nil {
		t.Fatal(err)
	}

	var billed []order
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	billing := bus.Subscription{Group: "billing", Consumer: "billing-1", Streams: []string{"{orders}:events"}}
	err = b.Consume(ctx, billing, func(_ context.Context, e bus.Entry) error {
		if e.Event.Type != "OrderPlaced" {
			return event.ErrUnknownType // acknowledged: it is for others
		}
		var o order
		if err := json.Unmarshal(e.Event.Data, &o); err != nil {
			return bus.Permanent(err) // a dead letter: no repetition would help
		}
		billed = append(billed, o)
		stop() // a service goes on
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]order{placed}, billed); diff != "" {
		t.Errorf("billed (-want +got):\n%s", diff)
	}
}
