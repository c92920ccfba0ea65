package moderator

import (
	"net/http"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// maxBlockTime is how long a block can last that ends by itself.
const maxBlockTime = 10 * 365 * 24 * time.Hour

// newBlock is the body of POST /moderation/blocks.
type newBlock struct {
	CommentID string    `json:"commentId"`
	Kind      string    `json:"kind"`
	Then      string    `json:"then"`
	Reason    string    `json:"reason"`
	Note      string    `json:"note"`
	Until     time.Time `json:"until"`
}

// Validate trims the texts and reports what is wrong with them.
func (n *newBlock) Validate() error {
	var v web.Check
	v.Require(event.ValidID(n.CommentID), "/commentId", "must be the id of a comment")
	v.Require(n.Kind == kindAuthor || n.Kind == kindNetwork, "/kind", "must be author or network")
	v.Require(n.Then == thenHold || n.Then == thenReject, "/then", "must be hold or reject")
	n.Reason = v.Text("/reason", n.Reason, 0, maxNote)
	n.Note = v.Text("/note", n.Note, 0, maxNote)
	if now := time.Now(); !n.Until.IsZero() {
		v.Require(n.Until.After(now) && n.Until.Before(now.Add(maxBlockTime)), "/until", "must be in the next ten years")
	}
	return v.Err()
}

func (a api) listBlocks(w http.ResponseWriter, r *http.Request, _ string) error {
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	list, next, err := a.store.blocks(r.Context(), page, time.Now())
	if err != nil {
		return err
	}
	if !next.IsZero() {
		web.NextLink(w, r, "cursor", next.String())
	}
	return fresh(w, list)
}

func (a api) addBlock(w http.ResponseWriter, r *http.Request, who string) error {
	in, err := web.Decode[newBlock](w, r)
	if err != nil {
		return err
	}
	b, created, err := a.store.addBlock(r.Context(), block{
		CommentID: in.CommentID, Kind: in.Kind, Then: in.Then, Reason: in.Reason, Note: in.Note, Until: in.Until.UTC(), By: who,
	}, time.Now())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if !created {
		return web.WriteJSON(w, http.StatusOK, b)
	}
	w.Header().Set("Location", "/moderation/blocks/"+b.ID)
	return web.WriteJSON(w, http.StatusCreated, b)
}

func (a api) removeBlock(w http.ResponseWriter, r *http.Request, who string) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	if err := a.store.removeBlock(r.Context(), id, who); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
