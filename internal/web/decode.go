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
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
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
	if err := checkMediaType(w, r); err != nil {
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

// checkMediaType admits JSON in UTF-8, also under the names that clients write for
// it, and not compressed.
func checkMediaType(w http.ResponseWriter, r *http.Request) error {
	for _, coding := range r.Header.Values("Content-Encoding") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			w.Header().Set("Accept-Encoding", "identity")
			return fmt.Errorf("%w: Content-Encoding is %.40q; send the body as it is", ErrMediaType, coding)
		}
	}
	contentType := r.Header.Get("Content-Type")
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil || typ != "application/json" {
		return fmt.Errorf("%w: Content-Type is %q", ErrMediaType, contentType)
	}
	if charset, ok := params["charset"]; ok && !isUTF8(charset) {
		return fmt.Errorf("%w: JSON is UTF-8, not %q", ErrMediaType, charset)
	}
	return nil
}

// isUTF8 reports whether a charset is a spelling of UTF-8: utf8, UTF_8, 'utf-8'.
func isUTF8(charset string) bool {
	return strings.EqualFold(strings.NewReplacer("-", "", "_", "", "'", "").Replace(charset), "utf8")
}

// byteOrderMark is what some programs write before a text in UTF-8.
const byteOrderMark = "\xef\xbb\xbf"

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
	return bytes.TrimPrefix(body, []byte(byteOrderMark)), nil
}

// unmarshal puts a JSON object into the struct that into points to. What
// encoding/json forgives is refused: wrong UTF-8 and lone surrogates, which it replaces,
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
	if at := loneSurrogate(body); at >= 0 {
		return nil, fmt.Errorf("%w: half of a surrogate pair at byte %d: text must be Unicode", ErrInvalid, at)
	}
	if text[0] != '{' {
		return nil, fmt.Errorf("%w: the body is not a JSON object", ErrInvalid)
	}
	return misfit, nil
}

// loneSurrogate returns where in valid JSON an escape stands for half of a character,
// -1 if none does.
func loneSurrogate(body []byte) int {
	for i := 0; i < len(body); {
		next := bytes.IndexByte(body[i:], '\\')
		if next < 0 {
			break
		}
		i += next
		first := escaped(body[i:])
		switch {
		case !utf16.IsSurrogate(first):
			i += 2 // the backslash and what it escapes
		case utf16.DecodeRune(first, escaped(body[i+6:])) == unicode.ReplacementChar:
			return i
		default:
			i += 12
		}
	}
	return -1
}

// escaped returns the code unit of the escape such as \ud83d with which text begins,
// 0 if it begins with none.
func escaped(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
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
