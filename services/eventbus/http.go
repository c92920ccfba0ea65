package eventbus

import (
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// maxBody is the greatest size of an event in bytes.
const maxBody = 256 << 10

// api answers HTTP.
type api struct {
	store    *store
	merge    *bus.Merge
	token    web.Tokens
	streams  *web.Streams
	patience time.Duration // see pagePatience
}

// routes are all guarded: they show texts that nobody has approved.
func (a api) routes(rt *web.Router) {
	for _, r := range []struct {
		method, path string
		handler      web.Handler
	}{
		{"POST", "/events", a.publish},
		{"GET", "/events", a.events},
		{"GET", "/events/stream", a.follow},
		{"GET", "/streams", a.inspect},
		{"GET", "/dead", a.deadLetters},
		{"GET", "/dead/{id}", a.deadLetter},
		{"POST", "/dead/{id}/redrive", a.redrive},
		{"DELETE", "/dead/{id}", a.drop},
	} {
		rt.Handle(r.method, r.path, web.Guard("BUS_TOKEN", a.token, r.handler))
	}
}

// published is the answer to an event. It says that the event is stored, and
// nothing of who has got it.
type published struct {
	Status string `json:"status"`
	ID     string `json:"id"`
}

// priority is that of an event from outside: verdicts and deletions go on when Redis
// is nearly full.
func priority(typ string) bus.Priority {
	switch typ {
	case event.TypeCommentModerated, event.TypePostDeleted, event.TypeCommentDeleted:
		return bus.Essential
	default:
		return bus.NewText
	}
}

func (a api) publish(w http.ResponseWriter, r *http.Request) error {
	members, err := web.DecodeMembers(w, r, maxBody)
	if err != nil {
		return err
	}
	e, err := incoming(members).event(time.Now())
	if err != nil {
		return err
	}
	// Where this service makes spans of its own, the one of this request goes on from
	// the header, and the event from it.
	if trace := r.Header.Get("Traceparent"); e.TraceParent == "" && busotel.TraceParent(r.Context()) == "" && event.ValidTraceParent(trace) {
		e.TraceParent = trace
	}
	if _, err := a.store.bus.PublishAs(r.Context(), priority(e.Type), event.Stream(event.Owner(e.Type)), e); err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, published{Status: "OK", ID: e.ID})
}
