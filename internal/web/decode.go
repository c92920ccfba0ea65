package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"
)

// MaxBody is the greatest size in bytes of a body that [Decode] reads.
const MaxBody = 64 << 10

// Validator is a request body that can say what is wrong with it; see [Check].
type Validator interface{ Validate() error }

// Decode reads the body of r as a T and validates it. The body must be one JSON
// object of at most [MaxBody] bytes, with no member that T does not have, none
// twice, and names written exactly as T's. Validate may have a pointer receiver
// and then put trimmed texts into T. The error wraps [ErrMediaType],
// [ErrTooLarge], [ErrSlow] or [ErrInvalid], or is what Validate returned.
func Decode[T any, P interface {
	*T
	Validator
}](w http.ResponseWriter, r *http.Request) (T, error) {
	return DecodeLimit[T, P](w, r, MaxBody)
}

// DecodeLimit is [Decode] for bodies of up to limit bytes.
func DecodeLimit[T any, P interface {
	*T
	Validator
}](w http.ResponseWriter, r *http.Request, limit int64) (T, error) {
	var in, zero T
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return zero, err
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		return zero, err
	}
	if err := unmarshal(body, &in); err != nil {
		return zero, err
	}
	if err := P(&in).Validate(); err != nil {
		return zero, err
	}
	return in, nil
}

func checkMediaType(contentType string) error {
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil || typ != "application/json" {
		return fmt.Errorf("%w: Content-Type is %q", ErrMediaType, contentType)
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("%w: JSON is UTF-8, not %q", ErrMediaType, charset)
	}
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		// The rest is not worth reading. MaxBytesReader says so by itself only
		// to a ResponseWriter that nothing wraps.
		w.Header().Set("Connection", "close")
		return nil, fmt.Errorf("%w: at most %d bytes", ErrTooLarge, tooLarge.Limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		return nil, fmt.Errorf("%w: the body did not come to its end in time", ErrSlow)
	}
	if err != nil {
		if gone := r.Context().Err(); gone != nil {
			return nil, fmt.Errorf("reading the body: %w", gone)
		}
		return nil, fmt.Errorf("%w: the body ends before its end", ErrInvalid)
	}
	return body, nil
}

// unmarshal puts a JSON object into the struct that into points to. What
// encoding/json forgives is refused: wrong UTF-8, which it replaces,
// names in another case and names that come twice, of which it takes the last.
func unmarshal(body []byte, into any) error {
	misfit, err := unmarshalObject(body, into)
	if err != nil {
		return err
	}
	if err := checkNames(body, reflect.TypeOf(into)); err != nil {
		return err
	}
	return fitError(misfit)
}

// unmarshalObject unmarshals body, which must be one JSON object in UTF-8. misfit
// says that it is one, and that a value in it is not of the type that is to hold it.
func unmarshalObject(body []byte, into any) (misfit, err error) {
	text := bytes.TrimSpace(body)
	if len(text) == 0 {
		return nil, fmt.Errorf("%w: the body is empty", ErrInvalid)
	}
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: the body is not UTF-8", ErrInvalid)
	}
	misfit = json.Unmarshal(body, into)
	if e, ok := errors.AsType[*json.SyntaxError](misfit); ok {
		return nil, fmt.Errorf("%w: the body is not JSON: %s at byte %d", ErrInvalid, e.Error(), e.Offset)
	}
	if text[0] != '{' {
		return nil, fmt.Errorf("%w: the body is not a JSON object", ErrInvalid)
	}
	return misfit, nil
}

// fitError says in terms of JSON which value does not fit the Go type.
func fitError(err error) error {
	if err == nil {
		return nil
	}
	misfit, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return fmt.Errorf("%w: a value does not have the form that it must have", ErrInvalid)
	}
	var check Check
	check.Add("/"+strings.ReplaceAll(misfit.Field, ".", "/"), "must be "+jsonName(misfit.Type))
	return check.Err()
}

func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "an array"
	default:
		return "a whole number in range"
	}
}
