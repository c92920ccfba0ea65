package moderator

import (
	"net/http"

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
	rules *RulesFile
	admin web.Secret // opens everything here
}

func (a api) routes(rt *web.Router) {
	rt.Handle("POST", "/moderation/check", a.guard(a.check))
}

func (a api) guard(h web.Handler) web.Handler { return web.Guard("ADMIN_TOKEN", a.admin, h) }

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

// verdict is what the rules in force say of it.
type verdict struct {
	Status event.Status `json:"status"`
	Reason string       `json:"reason,omitempty"`
	Note   string       `json:"note,omitempty"`
	Rule   string       `json:"rule,omitempty"`
}

// check tries a text as if an author of whom nothing is known had written it.
func (a api) check(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[attempt](w, r)
	if err != nil {
		return err
	}
	v := a.rules.Current().Decide(Text{Content: in.Content, Author: in.Author})
	return web.WriteJSON(w, http.StatusOK, verdict(v))
}
