package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// repeatWindow is how long a request is known by its Idempotency-Key.
const repeatWindow = 24 * time.Hour

// Once lets a request that makes something be sent again, as clients do that have
// lost the answer: the thing is made once, and every request under the same
// Idempotency-Key is answered as the first was. The zero Once is for requests
// without a key.
type Once struct {
	key, fingerprint string
}

// ReadOnce returns the Once of a request. method and target name what is asked
// for, as in "POST /posts", and body is the body as decoded: another of either
// under the same key is web.ErrUnprocessable.
func ReadOnce(r *http.Request, target string, body any) (Once, error) {
	key, err := web.IdempotencyKey(r)
	if err != nil || key == "" {
		return Once{}, err
	}
	fingerprint, err := web.Fingerprint(target, body)
	return Once{key, fingerprint}, err
}

// Made is what the first request made, and all of its answer that was not in the
// request already.
type Made struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
}

// record is what is kept under the key.
type record struct {
	Fingerprint string `json:"fingerprint"`
	Made
}

// Record returns what the write of m is to leave, nil without a key. redisKey
// makes the key in Redis from the client's.
func (o Once) Record(redisKey func(key string) string, m Made) (*bus.Once, error) {
	if o.key == "" {
		return nil, nil //nolint:nilnil // a change without one has nil there
	}
	value, err := json.Marshal(record{o.fingerprint, m})
	return &bus.Once{Key: redisKey(o.key), Value: string(value), TTL: repeatWindow}, err
}

// First returns what the first request under the key made: if err, which the
// write of m has returned, says that there had been one, that one's, and else m.
func (o Once) First(m Made, err error) (Made, error) {
	seen, ok := errors.AsType[*bus.SeenError](err)
	if !ok {
		return m, err
	}
	var first record
	if err := json.Unmarshal([]byte(seen.Value), &first); err != nil {
		return m, fmt.Errorf("what is kept of the first request: %w", err)
	}
	if first.Fingerprint != o.fingerprint {
		return m, fmt.Errorf("%w: another request has been sent under this Idempotency-Key", web.ErrUnprocessable)
	}
	return first.Made, nil
}
