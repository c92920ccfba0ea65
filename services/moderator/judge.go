package moderator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"newsfeed/internal/event"
)

// How the external judge is asked. In all it takes no longer than the tries and
// the pauses between them: well below the time that a handler has.
const (
	judgeTries     = 3
	judgeFirstWait = 100 * time.Millisecond
	// maxJudgeTimeout bounds one try.
	maxJudgeTimeout = 5 * time.Second
	// After so many comments in a row on which it gave no verdict it is left alone
	// for a while; every comment is held meanwhile.
	judgeFailures = 5
	judgeRest     = 30 * time.Second
)

// judge is somebody outside who is asked about comments that no rule decides.
type judge struct {
	hook    *webhook
	breaker *gobreaker.CircuitBreaker[Verdict]
	log     *slog.Logger
}

func newJudge(hook *webhook, log *slog.Logger) *judge {
	return &judge{hook: hook, log: log, breaker: gobreaker.NewCircuitBreaker[Verdict](gobreaker.Settings{
		Name: "judge", Timeout: judgeRest,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= judgeFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("the external judge: "+to.String()+" circuit", "before", from.String())
		},
	})}
}

// question is what the judge is sent.
type question struct {
	CommentID string `json:"commentId"`
	PostID    string `json:"postId"`
	Version   int64  `json:"version,omitempty"`
	Content   string `json:"content"`
	Author    string `json:"author"`
}

// answer is what the judge is to send back.
type answer struct {
	Status event.Status `json:"status"`
	Reason string       `json:"reason"`
	Note   string       `json:"note"`
}

// ask returns the judge's verdict. One who cannot be reached, does not answer in
// time, cannot prove who they are or says what is no verdict, has the comment held
// for a person. The error is for a ctx that has ended: then nothing is decided.
func (j *judge) ask(ctx context.Context, d decision) (Verdict, error) {
	v, err := j.breaker.Execute(func() (Verdict, error) {
		wait := backoff.NewExponentialBackOff()
		wait.InitialInterval = judgeFirstWait
		return backoff.Retry(ctx, func() (Verdict, error) { return j.once(ctx, d) },
			backoff.WithMaxTries(judgeTries), backoff.WithBackOff(wait))
	})
	switch {
	case err == nil:
		return v, nil
	case ctx.Err() != nil:
		return Verdict{}, fmt.Errorf("ask the judge: %w", ctx.Err())
	case !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests):
		j.log.WarnContext(ctx, "the external judge gave no verdict, the comment is held", "comment", d.ID, "error", err)
	}
	return Verdict{Status: event.Flagged, Reason: "waits for a person, as the judge gave no verdict"}, nil
}

// once asks one time. Whoever answers wrongly is not asked again about this comment.
func (j *judge) once(ctx context.Context, d decision) (Verdict, error) {
	id, header, body, err := j.hook.send(ctx, question{d.ID, d.PostID, d.Version, d.Content, d.Author})
	switch {
	case errors.Is(err, errRefused):
		return Verdict{}, backoff.Permanent(err)
	case err != nil:
		return Verdict{}, err
	}
	if err := j.hook.verify(id, header, body, time.Now()); err != nil {
		return Verdict{}, backoff.Permanent(err)
	}
	v, err := readAnswer(body)
	if err != nil {
		return Verdict{}, backoff.Permanent(fmt.Errorf("the answer is no verdict: %w", err))
	}
	return v, nil
}

// readAnswer reads a verdict strictly: what is not understood is not guessed at.
func readAnswer(body []byte) (Verdict, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var a answer
	if err := dec.Decode(&a); err != nil {
		return Verdict{}, err
	}
	if dec.More() || !utf8.Valid(body) {
		return Verdict{}, errors.New("it is not one JSON object in UTF-8")
	}
	if a.Status == event.Pending || !a.Status.Known() {
		return Verdict{}, fmt.Errorf("status %.40q is none of approved, rejected, flagged", a.Status)
	}
	for _, text := range []string{a.Reason, a.Note} {
		if utf8.RuneCountInString(text) > maxNote {
			return Verdict{}, fmt.Errorf("reason or note is longer than %d characters", maxNote)
		}
		for _, r := range text {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				return Verdict{}, errors.New("reason or note has a control character")
			}
		}
	}
	return Verdict{Status: a.Status, Reason: a.Reason, Note: a.Note}, nil
}
