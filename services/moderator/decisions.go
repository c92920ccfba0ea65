package moderator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// maxDecisions is how many a request may bring.
const maxDecisions = 100

// order is one decision of a person.
type order struct {
	CommentID string       `json:"commentId"`
	Version   int64        `json:"version"`
	Entry     bus.ID       `json:"entry"`
	Status    event.Status `json:"status"`
	Reason    string       `json:"reason"`
	Note      string       `json:"note"`
	// Force decides although somebody else works on the comment.
	Force bool `json:"force"`
}

func (o *order) check(v *web.Check, at string) {
	v.Require(event.ValidID(o.CommentID), at+"/commentId", "must be the id of a comment")
	v.Require(o.Version >= 0, at+"/version", "must not be negative")
	v.Require(o.Version > 0 || !o.Entry.IsZero(), at+"/version", "must be the version whose text was read")
	v.Require(o.Status.Known() && o.Status != event.Pending, at+"/status", "must be approved, rejected or flagged")
	o.Reason = v.Text(at+"/reason", o.Reason, 0, maxNote)
	o.Note = v.Text(at+"/note", o.Note, 0, maxNote)
}

// decisions is the body of POST /moderation/decisions: one, or a list.
type decisions struct {
	order
	Decisions []order `json:"decisions"`
}

// Validate trims the texts and reports what is wrong with them.
func (d *decisions) Validate() error {
	var v web.Check
	switch {
	case d.Decisions == nil:
		d.check(&v, "")
	case d.order != order{}:
		v.Add("/decisions", "must not stand beside a single decision")
	case len(d.Decisions) == 0 || len(d.Decisions) > maxDecisions:
		v.Add("/decisions", fmt.Sprintf("must have 1 to %d decisions", maxDecisions))
	default:
		for i := range d.Decisions {
			d.Decisions[i].check(&v, fmt.Sprintf("/decisions/%d", i))
		}
	}
	return v.Err()
}

// outcome is what became of a decision.
type outcome struct {
	CommentID string `json:"commentId"`
	// Code is the status that the decision alone would have been answered with.
	Code     int          `json:"code"`
	Status   event.Status `json:"status,omitempty"` // of the comment now
	Decision int64        `json:"decision,omitempty"`
	Detail   string       `json:"detail,omitempty"` // why it was refused
}

func (a api) decide(w http.ResponseWriter, r *http.Request, who string) error {
	in, err := web.Decode[decisions](w, r)
	if err != nil {
		return err
	}
	if in.Decisions == nil {
		done, err := a.carryOut(r.Context(), in.order, who)
		if err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, done)
	}
	outcomes := make([]outcome, len(in.Decisions))
	for i, o := range in.Decisions {
		done, err := a.carryOut(r.Context(), o, who)
		switch {
		case err == nil:
		case errors.Is(err, web.ErrConflict) || errors.Is(err, web.ErrNotFound):
			done = outcome{CommentID: o.CommentID, Code: http.StatusConflict, Detail: err.Error()}
			if errors.Is(err, web.ErrNotFound) {
				done.Code = http.StatusNotFound
			}
		default:
			// What is done is done, and the same decisions again do not harm.
			return err
		}
		outcomes[i] = done
	}
	return web.WriteJSON(w, http.StatusOK, map[string][]outcome{"outcomes": outcomes})
}

// carryOut makes one decision, over whoever decided before. The same again changes
// nothing; one on a text that has changed since is web.ErrConflict.
func (a api) carryOut(ctx context.Context, o order, who string) (outcome, error) {
	if !o.Force {
		c, err := a.store.claimed(ctx, o.CommentID)
		if err != nil {
			return outcome{}, err
		}
		if c != nil && c.By != who {
			return outcome{}, takenBy(c.By)
		}
	}
	v := Verdict{Status: o.Status, Reason: o.Reason, Note: o.Note}
	d, err := a.store.change(ctx, o.CommentID, func(last decision) (decision, bool, error) {
		switch {
		case !last.exists():
			return last, false, fmt.Errorf("%w: comment %s", web.ErrNotFound, o.CommentID)
		case o.Version > 0 && !last.isAt(o.Version) || !o.Entry.IsZero() && o.Entry != last.Entry:
			return last, false, fmt.Errorf("%w: the text of comment %s is another one now", web.ErrConflict, o.CommentID)
		case last.Moderator == who && last.verdict() == v:
			return last, false, nil
		}
		return last.judged(v, who, time.Now()), true, nil
	})
	if err != nil {
		return outcome{}, err
	}
	if err := a.store.release(ctx, o.CommentID, who); err != nil {
		a.log.WarnContext(ctx, "a claim was not released and ends by itself", "comment", o.CommentID, "error", err)
	}
	return outcome{CommentID: d.ID, Code: http.StatusOK, Status: d.Status, Decision: d.Number}, nil
}
