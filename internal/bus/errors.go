package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrConflict says that a document is no longer as it was read.
	// [ConflictError] carries what it is now.
	ErrConflict = errors.New("the document has changed")
	// ErrGuard says that a guard of a [Change] did not hold; nothing was written.
	ErrGuard = errors.New("a guard of the change does not hold")
	// ErrNotFound says that there is no such dead letter, consumer or document.
	ErrNotFound = errors.New("not found")
	// ErrBusy says that a consumer lives or has entries pending and may not be
	// deleted: deleting it would drop them.
	ErrBusy = errors.New("consumer is in use")
	// ErrTooOld says that the Redis server lacks what this package needs.
	ErrTooOld = errors.New("Redis is too old")
)

// UnavailableError says that Redis could not be asked or refused because of its own
// state: network, time-out, memory full, read-only, loading. The request may be tried
// again as it is. Whether a write took effect is not known, and trying it again
// with the same event repeats nothing.
type UnavailableError struct {
	Op  string // what was tried
	Err error
}

// Error implements error.
func (e *UnavailableError) Error() string {
	if Answered(e.Err) || errors.Is(e.Err, ErrFull) {
		return fmt.Sprintf("%s: Redis refuses: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: Redis is unavailable: %v", e.Op, e.Err)
}

// Unwrap gives the client's own error.
func (e *UnavailableError) Unwrap() error { return e.Err }

// RetryAfter says when it makes sense to try again.
func (e *UnavailableError) RetryAfter() time.Duration {
	if e.Full() {
		return 30 * time.Second // memory is not freed from one second to the next
	}
	return time.Second
}

// Full reports whether Redis has no memory for the write.
func (e *UnavailableError) Full() bool { return Full(e.Err) }

// refusals are the prefixes of Redis's error replies that speak of the
// server's state and not of the command.
var refusals = []string{
	"OOM", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "NOREPLICAS",
	unblocked, "BUSY ", "NOAUTH", "WRONGPASS", "NOPERM", "max number of clients",
}

// unblocked is what a read hears that waits while its server becomes a replica.
const unblocked = "UNBLOCKED force unblock"

// Err turns an error of the Redis client into one of this package: nil stays
// nil, redis.Nil becomes [ErrNotFound], whatever is the infrastructure's doing
// becomes an [UnavailableError], a reply that the command deserved stays as it
// is. op says in a few words what was tried.
func Err(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("%s: %w", op, ErrNotFound)
	case infrastructure(err):
		return &UnavailableError{Op: op, Err: err}
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}

// Unavailable reports whether err is the infrastructure's doing, so that the
// same thing may well succeed later without anybody changing anything.
func Unavailable(err error) bool {
	var u *UnavailableError
	return errors.As(err, &u)
}

// Answered reports whether err is what Redis answered, and not that it did not.
func Answered(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// NotLetIn reports whether Redis does not know the user, or not by that password.
func NotLetIn(err error) bool {
	return redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "WRONGPASS")
}

// Refused reports whether Redis refuses because of who asks: unlike an outage, that
// does not pass by itself.
func Refused(err error) bool { return NotLetIn(err) || redis.HasErrorPrefix(err, "NOPERM") }

func infrastructure(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if !Answered(err) {
		return true // it never came to an answer
	}
	for _, prefix := range refusals {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// lasting reports whether Redis has answered a command with an error that does not
// pass by itself and that reads need not meet.
func lasting(err error) bool {
	return Answered(err) && (!infrastructure(err) || redis.HasErrorPrefix(err, "NOPERM"))
}

// cutOff reports whether err, as a handler returned it, is a raw error of the
// Redis client that the infrastructure caused. Unlike in [Err], an error that is
// no reply of Redis need not have anything to do with it.
func cutOff(err error) bool {
	if Answered(err) {
		return infrastructure(err)
	}
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrClosed)
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that no repetition mends: the entry goes to the
// dead letters at once.
func Permanent(err error) error { return &permanentError{err} }

type notYetError struct{ err error }

func (e *notYetError) Error() string { return e.err.Error() }
func (e *notYetError) Unwrap() error { return e.err }

// NotYet marks err as waiting for something that is on its way: the entry is
// tried again after a short delay, as often as it takes, and the attempt does
// not count. The handler must be sure that the wait ends.
func NotYet(err error) error { return &notYetError{err} }

type ignoreError struct{ err error }

func (e *ignoreError) Error() string { return e.err.Error() }
func (e *ignoreError) Unwrap() error { return e.err }

// Ignore acknowledges an entry that the handler has nothing to do with, and
// has err counted as the reason.
func Ignore(err error) error { return &ignoreError{err} }

// noGroup reports whether Redis says that the stream or the group is gone.
func noGroup(err error) bool {
	return redis.HasErrorPrefix(err, "NOGROUP") ||
		redis.HasErrorPrefix(err, "UNBLOCKED") && !redis.HasErrorPrefix(err, unblocked) ||
		redis.HasErrorPrefix(err, "no such key") || redis.HasErrorPrefix(err, "The XGROUP subcommand requires the key to exist")
}
