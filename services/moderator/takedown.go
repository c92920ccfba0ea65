package moderator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func takedownKey(post string) string { return "{moderator}:takedown:" + post }

// takedown is the order of a moderator to delete a post. The service of posts
// carries it out.
type takedown struct {
	PostID string    `json:"postId"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Note   string    `json:"note,omitempty"`
	Time   time.Time `json:"time"`
}

// takeDown orders a post to be deleted. A post that has been taken down already
// keeps its first order; one that there is not is web.ErrNotFound.
func (s *store) takeDown(ctx context.Context, t takedown) (takedown, error) {
	docs, err := s.bus.LoadAll(ctx, takedownKey(t.PostID), titleKey(t.PostID))
	if err != nil {
		return t, err
	}
	if docs[0].Exists() {
		return decodeTakedown(docs[0])
	}
	var post title
	if docs[1].Exists() {
		if err := json.Unmarshal(docs[1].JSON, &post); err != nil {
			return t, fmt.Errorf("stored title: %w", err)
		}
	}
	if !docs[1].Exists() || post.Deleted {
		return t, fmt.Errorf("%w: post %s", web.ErrNotFound, t.PostID)
	}
	doc, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	e, err := event.New(event.Moderator, event.TypePostTakenDown, event.PostTakenDown{
		ID: t.PostID, Reason: &t.Reason, Note: &t.Note, Moderator: &t.By,
	}, t.Time)
	if err != nil {
		return t, err
	}
	_, err = s.bus.Commit(ctx, bus.Change{Key: takedownKey(t.PostID), Doc: doc, Stream: stream, Event: e})
	if conflict, lost := errors.AsType[*bus.ConflictError](err); lost {
		return decodeTakedown(conflict.Now) // somebody else was quicker
	}
	return t, err
}

func decodeTakedown(doc bus.Doc) (t takedown, err error) {
	if err = json.Unmarshal(doc.JSON, &t); err != nil {
		err = fmt.Errorf("stored takedown: %w", err)
	}
	return t, err
}

// newTakedown is the body of POST /moderation/posts/{id}/takedown.
type newTakedown struct {
	Reason string `json:"reason"`
	Note   string `json:"note"`
}

// Validate trims the texts and reports what is wrong with them.
func (n *newTakedown) Validate() error {
	var v web.Check
	n.Reason = v.Text("/reason", n.Reason, 1, maxNote)
	n.Note = v.Text("/note", n.Note, 0, maxNote)
	return v.Err()
}

func (a api) takeDown(w http.ResponseWriter, r *http.Request, who string) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	in, err := web.Decode[newTakedown](w, r)
	if err != nil {
		return err
	}
	t, err := a.store.takeDown(r.Context(), takedown{PostID: id, By: who, Reason: in.Reason, Note: in.Note, Time: time.Now().UTC()})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusAccepted, t)
}
