package moderator

import (
	"log/slog"
	"net/http"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Limits of a text to try, in characters: those of a comment.
const (
	maxContent = 5_000
	maxAuthor  = 80
)

// api answers HTTP.
type api struct {
	store  *store
	rules  *RulesFile
	judged bool // an external judge is asked about what no rule decides
	door   door // who may moderate
	limit  time.Duration
	log    *slog.Logger
}

func (a api) routes(rt *web.Router) {
	rt.Handle("GET", "/moderation/queue", a.door.enter(a.queue))
	rt.Handle("GET", "/moderation/summary", a.door.enter(a.summary))
	rt.Handle("POST", "/moderation/queue/{id}/claim", a.door.enter(a.take))
	rt.Handle("DELETE", "/moderation/queue/{id}/claim", a.door.enter(a.release))
	rt.Handle("POST", "/moderation/decisions", a.door.enter(a.decide))
	rt.Handle("GET", "/moderation/blocks", a.door.enter(a.listBlocks))
	rt.Handle("POST", "/moderation/blocks", a.door.enter(a.addBlock))
	rt.Handle("DELETE", "/moderation/blocks/{id}", a.door.enter(a.removeBlock))
	rt.Handle("POST", "/moderation/posts/{id}/takedown", a.door.enter(a.takeDown))
	rt.Handle("GET", "/moderation/log", a.door.enter(a.readLog))
	rt.Handle("GET", "/moderation/rules", a.door.enter(a.showRules))
	rt.Handle("POST", "/moderation/check", a.door.enter(a.check))
}

func (a api) queue(w http.ResponseWriter, r *http.Request, _ string) error {
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	list, next, err := a.store.queue(r.Context(), page)
	if err != nil {
		return err
	}
	if !next.IsZero() {
		web.NextLink(w, r, "cursor", next.String())
	}
	return fresh(w, list)
}

// fresh answers with what nobody may keep: it holds texts that are not public.
func fresh(w http.ResponseWriter, v any) error {
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusOK, v)
}

func (a api) summary(w http.ResponseWriter, r *http.Request, who string) error {
	sum, err := a.store.waiting(r.Context())
	if err != nil {
		return err
	}
	return fresh(w, struct {
		summary
		Overdue bool   `json:"overdue"` // the oldest waits longer than HELD_LIMIT
		You     string `json:"you"`     // as the log names who asks
	}{sum, sum.overdue(a.limit, time.Now()), who})
}

func (a api) take(w http.ResponseWriter, r *http.Request, who string) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	c, err := a.store.take(r.Context(), id, who)
	if err != nil {
		return err
	}
	return fresh(w, c)
}

func (a api) release(w http.ResponseWriter, r *http.Request, who string) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	if err := a.store.release(r.Context(), id, who); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rulesView is the answer of GET /moderation/rules.
type rulesView struct {
	Source string `json:"source"` // "file", or "built in"
	fileState
	Rules []Rule `json:"rules"`
	// Warnings are about entries that do not mean what they seem to.
	Warnings Mistakes `json:"warnings,omitempty"`
	// Otherwise is what becomes of a comment that no rule decides: "approve", or
	// "ask the judge".
	Otherwise string `json:"otherwise"`
}

func (a api) showRules(w http.ResponseWriter, _ *http.Request, _ string) error {
	rules := a.rules.Current()
	v := rulesView{Source: "built in", fileState: a.rules.State(), Rules: rules.List(), Warnings: rules.Warnings(), Otherwise: a.otherwise()}
	if a.rules.path != "" {
		v.Source = "file"
	}
	return fresh(w, v)
}

func (a api) otherwise() string {
	if a.judged {
		return "ask the judge"
	}
	return thenApprove
}

// attempt is a text to try the rules on.
type attempt struct {
	Content string `json:"content"`
	Author  string `json:"author"`
}

// Validate trims the texts and reports what is wrong with them.
func (t *attempt) Validate() error {
	var v web.Check
	t.Content = v.Text("/content", t.Content, 1, maxContent)
	t.Author = v.Line("/author", t.Author, 0, maxAuthor)
	return v.Err()
}

// tried is what the rules in force say of it. Status is absent if none decides and
// the external judge would be asked, which check does not do.
type tried struct {
	Status    event.Status `json:"status,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Note      string       `json:"note,omitempty"`
	Rule      string       `json:"rule,omitempty"`
	Otherwise string       `json:"otherwise,omitempty"`
}

// check tries a text as if an author of whom nothing is known had written it.
func (a api) check(w http.ResponseWriter, r *http.Request, _ string) error {
	in, err := web.Decode[attempt](w, r)
	if err != nil {
		return err
	}
	v := a.rules.Current().Decide(Text{Content: in.Content, Author: in.Author})
	answer := tried{Status: v.Status, Reason: v.Reason, Note: v.Note, Rule: v.Rule}
	if v.Rule == "" && a.judged {
		answer = tried{Otherwise: a.otherwise()}
	}
	return web.WriteJSON(w, http.StatusOK, answer)
}
