package moderator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// What a block is about.
const (
	kindAuthor  = "author"
	kindNetwork = "network"
)

const (
	// maxBlocks bounds the list.
	maxBlocks = 10_000
	// removedTTL is how long the record of a removed block stays, so that a request
	// that crosses the removal sees it.
	removedTTL = 24 * time.Hour
)

// block holds or rejects what comes from one author or network from now on.
type block struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // kindAuthor or kindNetwork
	// Keys are the values by which the author or network is known, the newest first.
	Keys []string `json:"keys"`
	Then string   `json:"then"` // thenHold or thenReject
	// Reason says why, for other moderators; Note is for the author.
	Reason string    `json:"reason,omitempty"`
	Note   string    `json:"note,omitempty"`
	By     string    `json:"by"`
	Time   time.Time `json:"time"`
	Until  time.Time `json:"until,omitzero"` // zero if it stays
	// CommentID and PostID are the comment whose author or network it is.
	CommentID string `json:"commentId"`
	PostID    string `json:"postId"`
}

// storedBlock is a block as it is stored.
type storedBlock struct {
	block
	Removed bool `json:"removed,omitempty"`
}

// blockID is the same for the same author or network.
func blockID(kind, key string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

func (b block) inForce(now time.Time) bool { return b.Until.IsZero() || now.Before(b.Until) }

// same reports whether b asks for what other asks for.
func (b block) same(other block) bool {
	return b.Then == other.Then && b.Reason == other.Reason && b.Note == other.Note && b.By == other.By &&
		b.Until.Equal(other.Until) && slices.Equal(b.Keys, other.Keys)
}

// verdict is what becomes of a comment that the block is about. The reason is shown
// to the author, that of the moderator is not.
func (b block) verdict() Verdict {
	v := Verdict{
		Status: event.Flagged, Reason: "comments from this " + b.Kind + " are held for a moderator",
		Note: b.Note, Rule: "blocked " + b.Kind,
	}
	if b.Then == thenReject {
		v.Status, v.Reason = event.Rejected, "comments from this "+b.Kind+" are not accepted"
	}
	return v
}

// event returns the fact that the block was added or removed by who.
func (b block) event(typ, who string, now time.Time) (event.Event, error) {
	p := event.Block{
		PostID: b.PostID, CommentID: &b.CommentID, ID: b.ID, Then: &b.Then, Reason: &b.Reason, Moderator: &who,
	}
	if b.Kind == kindAuthor {
		p.AuthorKey = &b.Keys[0]
	} else {
		p.NetworkKey = &b.Keys[0]
	}
	if !b.Until.IsZero() {
		p.Until = &b.Until
	}
	return event.New(event.Moderator, typ, p, now)
}

// decideWithBlocks is what the rules and the blocks say together: the stricter of the
// two, and the block if one decided. A rule cannot approve what comes from a blocked
// author.
func decideWithBlocks(rules Rules, t Text, blocks []block) (v Verdict, by string) {
	for _, b := range blocks {
		if b.Then == thenReject {
			return b.verdict(), b.ID
		}
	}
	v = rules.Decide(t)
	if len(blocks) > 0 && v.Status != event.Rejected {
		return blocks[0].verdict(), blocks[0].ID
	}
	return v, ""
}

func blockKey(id string) string { return "{moderator}:block:" + id }

const (
	blocksKey  = "{moderator}:blocks"  // ids by time
	blockedKey = "{moderator}:blocked" // "<hash of an author or network> <block>"
)

// blockPlaces returns the lists that a block is in.
func blockPlaces(b storedBlock) []bus.Index {
	if b.ID == "" || b.Removed {
		return nil
	}
	in := []bus.Index{{Verb: bus.ZAdd, Key: blocksKey, Member: bus.TimeKey(b.Time, b.ID)}}
	for _, key := range b.Keys {
		in = append(in, bus.Index{Verb: bus.ZAdd, Key: blockedKey, Member: blockID(b.Kind, key) + " " + b.ID})
	}
	return in
}

// blockOf finds the blocks of an author or network by each of its keys. It only adds
// to the pipeline; the ids are in what it returns once that has run.
func blockOf(ctx context.Context, p redis.Pipeliner, kind string, keys []string) []*redis.StringSliceCmd {
	found := make([]*redis.StringSliceCmd, len(keys))
	for i, key := range keys {
		hash := blockID(kind, key)
		found[i] = p.ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: blockedKey, ByLex: true, Start: "[" + hash + " ", Stop: "(" + hash + "!", Count: event.MaxKeys,
		})
	}
	return found
}

// blocking returns the blocks in force that are about the author of d or their network.
func (s *store) blocking(ctx context.Context, d decision, now time.Time) ([]block, error) {
	p := s.bus.Redis().Pipeline()
	found := append(blockOf(ctx, p, kindAuthor, d.authors()), blockOf(ctx, p, kindNetwork, d.networks())...)
	if len(found) == 0 {
		return nil, nil
	}
	if _, err := p.Exec(ctx); err != nil {
		return nil, bus.Err("blocks", err)
	}
	return s.loadBlocks(ctx, found, now)
}

// loadBlocks returns the blocks in force among those that blockOf found.
func (s *store) loadBlocks(ctx context.Context, found []*redis.StringSliceCmd, now time.Time) ([]block, error) {
	var ids []string
	for _, cmd := range found {
		for _, member := range cmd.Val() {
			if _, id, ok := strings.Cut(member, " "); ok && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	all, err := s.blocksByID(ctx, ids)
	return slices.DeleteFunc(all, func(b block) bool { return !b.inForce(now) }), err
}

// blocksByID returns those of the blocks that exist.
func (s *store) blocksByID(ctx context.Context, ids []string) ([]block, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = blockKey(id)
	}
	docs, err := s.bus.LoadAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	found := []block{}
	for _, doc := range docs {
		b, err := decodeBlock(doc)
		if err != nil {
			return nil, err
		}
		if b.ID != "" && !b.Removed {
			found = append(found, b.block)
		}
	}
	return found, nil
}

func decodeBlock(doc bus.Doc) (storedBlock, error) {
	var b storedBlock
	if !doc.Exists() {
		return b, nil
	}
	if err := json.Unmarshal(doc.JSON, &b); err != nil {
		return b, fmt.Errorf("stored block: %w", err)
	}
	return b, nil
}

// blocks returns a page of the blocks in force, the newest first, and the cursor of
// the next page if there is one.
func (s *store) blocks(ctx context.Context, page web.Page, now time.Time) ([]block, web.Cursor, error) {
	ids, last, err := s.bus.Walk(ctx, blocksKey, true, bus.Member(page.After), page.Limit)
	if err != nil {
		return nil, web.Cursor{}, err
	}
	all, err := s.blocksByID(ctx, ids)
	return slices.DeleteFunc(all, func(b block) bool { return !b.inForce(now) }), web.Cursor(last), err
}

// addBlock blocks the author or network of a comment; it fills in what b does not
// say. Where one of its keys is blocked already that block is changed. created is
// false if there was one.
func (s *store) addBlock(ctx context.Context, b block, now time.Time) (_ block, created bool, err error) {
	d, _, err := s.load(ctx, b.CommentID)
	switch {
	case err != nil:
		return b, false, err
	case !d.exists():
		return b, false, fmt.Errorf("%w: comment %s", web.ErrNotFound, b.CommentID)
	}
	b.PostID, b.Keys, b.Time = d.PostID, d.authors(), now.UTC()
	if b.Kind == kindNetwork {
		b.Keys = d.networks()
	}
	if len(b.Keys) == 0 {
		return b, false, fmt.Errorf("%w: nothing tells the %s of comment %s from another", web.ErrUnprocessable, b.Kind, b.CommentID)
	}
	p := s.bus.Redis().Pipeline()
	found := blockOf(ctx, p, b.Kind, b.Keys)
	n := p.ZCard(ctx, blocksKey)
	if _, err := p.Exec(ctx); err != nil {
		return b, false, bus.Err("blocks", err)
	}
	known, err := s.loadBlocks(ctx, found, now)
	switch {
	case err != nil:
		return b, false, err
	case len(known) > 0:
		b.ID = known[0].ID
	case n.Val() >= maxBlocks:
		return b, false, fmt.Errorf("%w: there are %d blocks; remove some, or use rules with authors and networks", web.ErrUnprocessable, maxBlocks)
	default:
		b.ID = blockID(b.Kind, b.Keys[0])
	}
	created = true
	last, err := s.changeBlock(ctx, b.ID, func(was storedBlock) (storedBlock, bool) {
		next := b
		if exists := was.ID != "" && !was.Removed; exists {
			created = !was.inForce(now)
			if next.Keys = union(b.Keys, was.Keys); len(next.Keys) == len(was.Keys) {
				next.Keys = was.Keys
			}
			if next.same(was.block) {
				return was, false
			}
		}
		return storedBlock{block: next}, true
	}, event.TypeBlockAdded, b.By)
	return last, created, err
}

// removeBlock ends a block. One that is not there is web.ErrNotFound.
func (s *store) removeBlock(ctx context.Context, id, who string) error {
	missing := false
	_, err := s.changeBlock(ctx, id, func(was storedBlock) (storedBlock, bool) {
		missing = was.ID == "" || was.Removed
		was.Removed = true
		return was, !missing
	}, event.TypeBlockRemoved, who)
	if err == nil && missing {
		err = fmt.Errorf("%w: block %s", web.ErrNotFound, id)
	}
	return err
}

// changeBlock stores what f makes of a block, together with its event.
func (s *store) changeBlock(ctx context.Context, id string, f func(storedBlock) (storedBlock, bool), typ, who string) (block, error) {
	doc, err := s.bus.Load(ctx, blockKey(id), "")
	for range maxTries {
		if err != nil {
			return block{}, err
		}
		was, err := decodeBlock(doc)
		if err != nil {
			return block{}, err
		}
		next, changed := f(was)
		if !changed {
			return next.block, nil
		}
		err = s.commitBlock(ctx, doc, was, next, typ, who)
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return next.block, err
		}
		doc = conflict.Now
	}
	return block{}, fmt.Errorf("%w: block %s keeps changing", web.ErrConflict, id)
}

func (s *store) commitBlock(ctx context.Context, doc bus.Doc, was, next storedBlock, typ, who string) error {
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	e, err := next.event(typ, who, time.Now())
	if err != nil {
		return err
	}
	c := bus.Change{
		Key: blockKey(next.ID), Want: doc, Doc: value, Stream: stream, Event: e,
		Index: moved(blockPlaces(was), blockPlaces(next)),
	}
	if next.Removed {
		c.TTL = removedTTL
	}
	_, err = s.bus.Commit(ctx, c)
	return err
}

// endBlocks takes the blocks whose time is over off the lists. It says nothing of
// it: their events said until when they hold.
func (s *store) endBlocks(ctx context.Context, now time.Time) error {
	var after bus.Member
	for {
		ids, last, err := s.bus.Walk(ctx, blocksKey, false, after, againChunk)
		if err != nil {
			return err
		}
		all, err := s.blocksByID(ctx, ids)
		if err != nil {
			return err
		}
		for _, b := range all {
			if b.inForce(now) {
				continue
			}
			if err := s.endBlock(ctx, b.ID, now); err != nil {
				return err
			}
		}
		if after = last; after == (bus.Member{}) {
			return nil
		}
	}
}

func (s *store) endBlock(ctx context.Context, id string, now time.Time) error {
	doc, err := s.bus.Load(ctx, blockKey(id), "")
	if err != nil {
		return err
	}
	was, err := decodeBlock(doc)
	if err != nil || was.ID == "" || was.Removed || was.inForce(now) {
		return err
	}
	next := was
	next.Removed = true
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	_, err = s.bus.Commit(ctx, bus.Change{
		Key: blockKey(id), Want: doc, Doc: value, TTL: removedTTL, Index: moved(blockPlaces(was), nil),
	})
	if errors.Is(err, bus.ErrConflict) {
		return nil // somebody renewed it
	}
	return err
}

// union returns a, and what b has besides, at most [event.MaxKeys].
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all[:min(len(all), event.MaxKeys+1)]
}
