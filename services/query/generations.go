package query

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"newsfeed/internal/bus"
)

// The view is kept in generations, so that another can be made beside the one
// that is read, and take its place in one write. Which there are stands in one
// document, and every change of that document gives it a new epoch. Every write
// into a generation is made on condition that the epoch is still the one whose
// list of generations the writer knows; see docs/decisions/0023.

// schema is the version of what a generation holds: it grows when the fold comes
// to make something else of the same events. A service that finds an older one
// rebuilds the view, and reads and folds into the old one meanwhile, so it must
// understand what the version before has left there.
const schema = 2

const (
	gensKey  = "{query}:gens"
	epochKey = "{query}:epoch" // a set of one, for it to be a bus.Guard
)

// generation is one of the view's.
type generation struct {
	Number int `json:"gen"` // never given twice
	Schema int `json:"schema"`
}

// registry is the document that says which generations there are.
type registry struct {
	Epoch string `json:"epoch"`
	Last  int    `json:"last"` // the highest number that has been given
	// Live is the one that is read.
	Live generation `json:"live"`
	// Next is being made, and is written whatever Live is.
	Next *generation `json:"next,omitempty"`
	// Gone are no longer written, and their keys may not all be deleted yet.
	Gone []int `json:"gone,omitempty"`

	doc  bus.Doc
	note *bus.Note // that the change of the document is to leave
}

// unregistered returns what there is where nothing says so: the view as it was when
// generations did not have numbers, or if there is none, one that begins as this
// release makes it.
func (s *store) unregistered(ctx context.Context) (registry, error) {
	first := generation{Number: 1, Schema: s.schema}
	n, err := s.bus.Redis().Exists(ctx, view{number: first.Number}.feed()).Result()
	if n > 0 {
		first.Schema = 1
	}
	return registry{Last: first.Number, Live: first}, bus.Err("look for a view", err)
}

// newest is the highest schema version among the generations.
func (r registry) newest() int {
	if r.Next != nil {
		return max(r.Live.Schema, r.Next.Schema)
	}
	return r.Live.Schema
}

// views returns the generations as a writer takes them: the one that is read
// comes last, so that whatever it shows, the next one has as well.
func (r registry) views() []view {
	live := view{number: r.Live.Number, epoch: r.Epoch, live: true, legacy: r.Live.Schema < 2}
	if r.Next == nil {
		return []view{live}
	}
	return []view{{number: r.Next.Number, epoch: r.Epoch, legacy: r.Next.Schema < 2}, live}
}

// loadRegistry reads the document, and makes it if there is none.
func (s *store) loadRegistry(ctx context.Context) (registry, error) {
	r, err := s.peekRegistry(ctx)
	if err != nil || r.doc.Exists() {
		return r, err
	}
	return s.changeRegistry(ctx, func(r *registry) error {
		if r.doc.Exists() { // another was quicker
			return errAsItIs
		}
		return nil
	})
}

// errAsItIs says that the document is to stay as it is.
var errAsItIs = errors.New("nothing to change")

// peekRegistry reads the document as it is.
func (s *store) peekRegistry(ctx context.Context) (registry, error) {
	doc, err := s.bus.Load(ctx, gensKey, "")
	if err != nil {
		return registry{}, err
	}
	if !doc.Exists() {
		return s.unregistered(ctx)
	}
	var r registry
	if err := json.Unmarshal(doc.JSON, &r); err != nil {
		return registry{}, fmt.Errorf("%s: %w", gensKey, err)
	}
	r.doc = doc
	return r, nil
}

// changeRegistry writes what decide makes of the document, under a new epoch: no
// write of an older one succeeds from then on. If decide says errAsItIs the
// document is returned as it is.
func (s *store) changeRegistry(ctx context.Context, decide func(*registry) error) (registry, error) {
	wrote := ""
	for range maxTries {
		r, err := s.peekRegistry(ctx)
		if err != nil {
			return r, err
		}
		if wrote != "" && r.Epoch == wrote { // and the answer was lost on its way
			s.known.Store(&r)
			return r, nil
		}
		old := r.Epoch
		r.Gone = slices.Clone(r.Gone)
		err = decide(&r)
		switch {
		case errors.Is(err, errAsItIs):
			return r, nil
		case err != nil:
			return r, err
		}
		r.Epoch = rand.Text()
		wrote = r.Epoch
		value, err := json.Marshal(r)
		if err != nil {
			return r, err
		}
		index := []bus.Index{{Verb: bus.SAdd, Key: epochKey, Member: r.Epoch}}
		if old != "" {
			index = append(index, bus.Index{Verb: bus.SRem, Key: epochKey, Member: old})
		}
		_, err = s.bus.Commit(ctx, bus.Change{Key: gensKey, Want: r.doc, Doc: value, Index: index, Note: r.note})
		switch {
		case err == nil:
			s.known.Store(&r)
			return r, nil
		case !errors.Is(err, bus.ErrConflict):
			return r, err
		}
	}
	return registry{}, fmt.Errorf("%s keeps changing", gensKey)
}

// everywhere has an event written into every generation there is.
func (s *store) everywhere(ctx context.Context, write func(view) error) error {
	for range maxTries {
		r, err := s.registered(ctx)
		if err != nil {
			return err
		}
		if newest := r.newest(); newest > s.schema {
			return bus.NotYet(fmt.Errorf("the view has schema version %d and this release makes %d: "+
				"events wait for a newer release, or for newsfeed rebuild of this one", newest, s.schema))
		}
		for _, v := range r.views() {
			if err = write(v); err != nil {
				break
			}
		}
		if !errors.Is(err, bus.ErrGuard) {
			return err
		}
		s.known.CompareAndSwap(r, nil) // there are other generations now
	}
	return errors.New("the generations of the view keep changing")
}

// registered returns the generations as this process last saw them. A write that
// this leads to is refused if they have changed.
func (s *store) registered(ctx context.Context) (*registry, error) {
	if r := s.known.Load(); r != nil {
		return r, nil
	}
	r, err := s.loadRegistry(ctx)
	if err != nil {
		return nil, err
	}
	s.known.Store(&r)
	return &r, nil
}
