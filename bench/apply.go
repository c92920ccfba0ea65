package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/services/query"
)

const appliedComments = 50_000

// history makes the streams of 5,000 posts and the comments on them, which have
// not been judged.
func (s *stage) history(ctx context.Context) (database, []event.Event, error) {
	db, err := s.redis(ctx, always)
	if err != nil {
		return db, nil, err
	}
	posts, _, err := feed{posts: subjects}.events()
	if err != nil {
		return db, nil, err
	}
	comments := make([]event.Event, appliedComments)
	for i := range comments {
		if comments[i], err = commentEvent(postID(i%subjects), "comment-"+strconv.Itoa(i)); err != nil {
			return db, nil, err
		}
	}
	return db, comments, errors.Join(appendAll(ctx, db.Client, postStream, posts), appendAll(ctx, db.Client, benchStream, comments))
}

// measureApply shows how fast query folds events into the view, where each is a
// write, and what bounds it.
func measureApply(ctx context.Context, s *stage) ([]*row, error) {
	db, comments, err := s.history(ctx)
	if err != nil {
		return nil, err
	}
	r := &row{
		Key: "apply", What: "an empty view takes in 5,000 posts and 50,000 comments, from the start of the process", Unit: "events/s", Bounds: []bound{least(0.12, bareLoop)},
	}
	last := ""
	err = s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, _ int) (rate float64, err error) {
			rate, last, err = s.apply(ctx, db)
			return rate, err
		})},
		contestant{bareLoop, one(func(ctx context.Context, round int) (float64, error) {
			return bareConsume(ctx, db.Client, "bare"+strconv.Itoa(round), comments)
		})},
	)
	r.note("%s", last)
	return []*row{r}, err
}

// apply lets a query service that has nothing yet fold everything, compares what
// it has made with the streams, and says where the time went.
func (s *stage) apply(ctx context.Context, db database) (rate float64, bounds string, err error) {
	if err := forget(ctx, db); err != nil {
		return 0, "", err
	}
	if err := db.ConfigResetStat(ctx).Err(); err != nil {
		return 0, "", err
	}
	before, err := db.cpu()
	if err != nil {
		return 0, "", err
	}
	start := time.Now()
	p, err := s.service(ctx, "query", db)
	if err != nil {
		return 0, "", err
	}
	defer s.quit(p)
	if err := caughtUp(ctx, db, event.Query); err != nil {
		return 0, "", err
	}
	took := time.Since(start)
	after, err := db.cpu()
	if err != nil {
		return 0, "", err
	}
	own, err := p.cpu()
	if err != nil {
		return 0, "", err
	}
	script, err := scriptStats(ctx, db)
	if err != nil {
		return 0, "", err
	}
	const events = subjects + appliedComments
	bounds = fmt.Sprintf("of the time Redis worked %.0f %% and query %.0f %% of a core; %s",
		100*(after-before).Seconds()/took.Seconds(), 100*own.Seconds()/took.Seconds(), script(events))
	return events / took.Seconds(), bounds, s.verify(ctx, db)
}

// forget takes away what query has made of the streams.
func forget(ctx context.Context, db database) error {
	for _, stream := range []string{postStream, benchStream} {
		if err := db.XGroupDestroy(ctx, stream, event.Query).Err(); err != nil {
			return err
		}
	}
	keys := db.Scan(ctx, 0, "{query}:*", 1000).Iterator()
	for keys.Next(ctx) {
		if err := db.Unlink(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}

func (s *stage) verify(ctx context.Context, db database) error {
	b := bus.New(ctx, db, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	report, err := query.Verify(ctx, b, func(query.Step) {})
	if err == nil && !report.Clean() {
		err = fmt.Errorf("the view is not what the streams say: %+v", report)
	}
	return err
}

var evalsha = regexp.MustCompile(`cmdstat_evalsha:calls=(\d+),usec=(\d+)`)

// scriptStats says what Redis's scripts have taken since the last reset.
func scriptStats(ctx context.Context, db database) (say func(events int) string, err error) {
	info, err := db.Info(ctx, "commandstats").Result()
	if err != nil {
		return nil, err
	}
	m := evalsha.FindStringSubmatch(info)
	if m == nil {
		return nil, errors.New("INFO commandstats has no EVALSHA")
	}
	calls, _ := strconv.Atoi(m[1]) // digits
	micros, _ := strconv.Atoi(m[2])
	return func(events int) string {
		return fmt.Sprintf("the scripts took %.1f µs of Redis's time for each event, %.0f events to a call",
			float64(micros)/float64(events), float64(events)/float64(calls))
	}, nil
}
