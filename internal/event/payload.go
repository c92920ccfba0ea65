package event

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Status is where a comment stands with moderation.
type Status string

// The four states of a comment. Only Approved is public.
const (
	Pending  Status = "pending"
	Approved Status = "approved"
	Rejected Status = "rejected"
	Flagged  Status = "flagged" // held for a person
)

// Known reports whether s is one of the four.
func (s Status) Known() bool {
	switch s {
	case Pending, Approved, Rejected, Flagged:
		return true
	}
	return false
}

// Final reports whether s is a verdict and not a state of waiting.
func (s Status) Final() bool { return s == Approved || s == Rejected }

// Payload is what an event carries.
type Payload interface {
	// PostKey is the id of the post that the payload is about.
	PostKey() string
	// Validate reports what the payload lacks or has wrong.
	Validate() error
}

// Post is the post as it now stands. Fields that are pointers may be absent
// from events of other producers: absent means "says nothing of it".
type Post struct {
	ID        string     `json:"id"`
	Title     *string    `json:"title"`
	Body      *string    `json:"body,omitempty"`
	Author    *string    `json:"author,omitempty"`
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	// Version counts the changes of the post from 1; only its owner numbers it.
	Version *int64 `json:"version,omitempty"`
}

// PostDeleted says that a post is gone for good.
type PostDeleted struct {
	ID      string `json:"id"`
	Version *int64 `json:"version,omitempty"`
}

// Comment is the comment as it now stands. Fields that are pointers may be
// absent from events of other producers.
type Comment struct {
	PostID  string  `json:"postId"`
	ID      string  `json:"id"`
	Content *string `json:"content"`
	Author  *string `json:"author,omitempty"`
	// AuthorKey tells one author from another without naming them: an HMAC of
	// the client's address. It is never public.
	AuthorKey *string `json:"authorKey,omitempty"`
	// AuthorKeys are the values of AuthorKey under older keys, so that what is
	// known of the author under one of them still applies. At most MaxKeys.
	AuthorKeys []string `json:"authorKeys,omitempty"`
	// NetworkKey and NetworkKeys are the same for the network of the client, the
	// /24 of IPv4 and the /48 of IPv6.
	NetworkKey  *string  `json:"networkKey,omitempty"`
	NetworkKeys []string `json:"networkKeys,omitempty"`
	// Status is Pending in CommentCreated and CommentEdited whatever they say,
	// and a verdict in CommentUpdated.
	Status *Status `json:"status"`
	// Reason says why a verdict fell, in a few words.
	Reason *string `json:"reason,omitempty"`
	// Note is for the author of the comment.
	Note      *string    `json:"note,omitempty"`
	CreatedAt *time.Time `json:"createdAt,omitempty"`
	// Version counts the changes of the comment from 1, verdicts included;
	// only its owner numbers it.
	Version *int64 `json:"version,omitempty"`
}

// CommentModerated is a verdict of the moderator on one text of a comment.
type CommentModerated struct {
	PostID  string  `json:"postId"`
	ID      string  `json:"id"`
	Content *string `json:"content"`
	Status  *Status `json:"status"`
	Reason  *string `json:"reason,omitempty"`
	Note    *string `json:"note,omitempty"`
	// Rule names the rule that decided, if one did.
	Rule *string `json:"rule,omitempty"`
	// Moderator names who decided: "rules", "judge" for an external one, or a person.
	Moderator *string `json:"moderator,omitempty"`
	// Version is the comment's version whose text was judged. Absent means the
	// present text.
	Version *int64 `json:"version,omitempty"`
	// Decision counts the verdicts on this comment from 1; only the moderator
	// numbers it.
	Decision *int64 `json:"decision,omitempty"`
}

// CommentDeleted says that a comment is gone for good.
type CommentDeleted struct {
	PostID  string `json:"postId"`
	ID      string `json:"id"`
	Version *int64 `json:"version,omitempty"`
}

// PostTakenDown is a moderator's order to delete a post. The owner of the post
// carries it out.
type PostTakenDown struct {
	ID string `json:"id"`
	// Reason says why, in a few words, and Note is for the author of the post.
	Reason *string `json:"reason,omitempty"`
	Note   *string `json:"note,omitempty"`
	// Moderator names the person who decided.
	Moderator *string `json:"moderator,omitempty"`
}

// Block says that the moderator holds or rejects from now on what comes from one
// author or one network, or that it no longer does.
type Block struct {
	// PostID and CommentID are the comment whose author or network is meant.
	PostID    string  `json:"postId"`
	CommentID *string `json:"commentId,omitempty"`
	// ID names the block.
	ID string `json:"id"`
	// AuthorKey or NetworkKey is what the block is about; see [Comment]. They are
	// never public.
	AuthorKey  *string `json:"authorKey,omitempty"`
	NetworkKey *string `json:"networkKey,omitempty"`
	// Then is "hold" or "reject".
	Then *string `json:"then,omitempty"`
	// Reason says why, for other moderators.
	Reason *string `json:"reason,omitempty"`
	// Moderator names the person who decided.
	Moderator *string `json:"moderator,omitempty"`
	// Until is when the block ends by itself; without it, it stays.
	Until *time.Time `json:"until,omitempty"`
}

// MaxKeys is how many values under older keys an event carries at most.
const MaxKeys = 20

// PostKey implements [Payload].
func (p Post) PostKey() string { return p.ID }

// PostKey implements [Payload].
func (p PostDeleted) PostKey() string { return p.ID }

// PostKey implements [Payload].
func (c Comment) PostKey() string { return c.PostID }

// PostKey implements [Payload].
func (m CommentModerated) PostKey() string { return m.PostID }

// PostKey implements [Payload].
func (c CommentDeleted) PostKey() string { return c.PostID }

// PostKey implements [Payload].
func (t PostTakenDown) PostKey() string { return t.ID }

// PostKey implements [Payload].
func (b Block) PostKey() string { return b.PostID }

// Validate implements [Payload].
func (p Post) Validate() error {
	return errors.Join(checkID("id", p.ID), present("title", p.Title),
		checkTime("createdAt", p.CreatedAt), checkCount("version", p.Version))
}

// Validate implements [Payload].
func (p PostDeleted) Validate() error {
	return errors.Join(checkID("id", p.ID), checkCount("version", p.Version))
}

// Validate implements [Payload].
func (c Comment) Validate() error {
	return errors.Join(checkID("postId", c.PostID), checkID("id", c.ID), present("content", c.Content),
		checkKeys("authorKeys", c.AuthorKeys), checkKeys("networkKeys", c.NetworkKeys),
		checkStatus(c.Status), checkTime("createdAt", c.CreatedAt), checkCount("version", c.Version))
}

// Validate implements [Payload].
func (m CommentModerated) Validate() error {
	return errors.Join(checkID("postId", m.PostID), checkID("id", m.ID), present("content", m.Content),
		checkStatus(m.Status), checkCount("version", m.Version), checkCount("decision", m.Decision))
}

// Validate implements [Payload].
func (c CommentDeleted) Validate() error {
	return errors.Join(checkID("postId", c.PostID), checkID("id", c.ID), checkCount("version", c.Version))
}

// Validate implements [Payload].
func (t PostTakenDown) Validate() error { return checkID("id", t.ID) }

// Validate implements [Payload].
func (b Block) Validate() error {
	return errors.Join(checkID("postId", b.PostID), checkID("id", b.ID), checkTime("until", b.Until))
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._~:-]{1,128}$`)

// ValidID reports whether id may name a post or a comment: 1 to 128 of
// A–Z a–z 0–9 . _ ~ : -, and none of the words that are paths of their own.
func ValidID(id string) bool {
	return idPattern.MatchString(id) && id != "all" && id != "stream"
}

func checkID(name, id string) error {
	if id == "" {
		return fmt.Errorf("%s is missing", name)
	}
	if !ValidID(id) {
		return fmt.Errorf("%s %.140q is not an id", name, id)
	}
	return nil
}

func checkKeys(name string, keys []string) error {
	if len(keys) > MaxKeys {
		return fmt.Errorf("%s has more than %d values", name, MaxKeys)
	}
	return nil
}

func present(name string, s *string) error {
	if s == nil {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

func checkStatus(s *Status) error {
	if s == nil {
		return errors.New("status is missing")
	}
	if !s.Known() {
		return fmt.Errorf("status %.40q is none of pending, approved, rejected, flagged", *s)
	}
	return nil
}

func checkTime(name string, t *time.Time) error {
	if t != nil && !writable(*t) {
		return fmt.Errorf("%s is outside the years 1 to 9999", name)
	}
	return nil
}

// maxCount is the largest whole number that every JSON reader and Redis's Lua
// hold exactly: 2^53-1.
const maxCount = 1<<53 - 1

func checkCount(name string, n *int64) error {
	if n != nil && (*n < 1 || *n > maxCount) {
		return fmt.Errorf("%s %d is not between 1 and 2^53-1", name, *n)
	}
	return nil
}
