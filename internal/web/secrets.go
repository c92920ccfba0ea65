package web

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// MinToken is the least length in bytes of a configured token.
	MinToken = 16
	// MinKey is the least length in bytes of a configured key: RFC 2104, section 3,
	// asks for that of a key for HMAC-SHA256.
	MinKey = 32
)

// Tokens are the values of one configured token, separated by commas or line ends.
// All of them are valid, so that a new one can be handed out before an old one
// ends. Each has [MinToken] bytes or more; [DevelopmentToken] is the exception.
// Printed, they are hidden.
type Tokens []Secret

// UnmarshalText implements encoding.TextUnmarshaler. Its error repeats no value.
func (t *Tokens) UnmarshalText(text []byte) error {
	values, err := splitSecrets(string(text), MinToken, DevelopmentToken)
	*t = values
	return err
}

// String hides the values, but shows how many there are.
func (t Tokens) String() string { return hideAll(t) }

// GoString is String for %#v.
func (t Tokens) GoString() string { return t.String() }

// Keys are the values of one configured key, separated by commas or line ends. The
// first one signs, and all of them verify. Each has [MinKey] bytes or more.
// Printed, they are hidden.
type Keys []Secret

// UnmarshalText implements encoding.TextUnmarshaler. Its error repeats no value.
func (k *Keys) UnmarshalText(text []byte) error {
	values, err := splitSecrets(string(text), MinKey)
	*k = values
	return err
}

// Signing returns the first key, "" if there is none.
func (k Keys) Signing() Secret {
	if len(k) == 0 {
		return ""
	}
	return k[0]
}

// String hides the values, but shows how many there are.
func (k Keys) String() string { return hideAll(k) }

// GoString is String for %#v.
func (k Keys) GoString() string { return k.String() }

func hideAll(values []Secret) string {
	shown := make([]string, len(values))
	for i, s := range values {
		shown[i] = s.String()
	}
	return strings.Join(shown, ",")
}

// splitSecrets reads values separated by commas or line ends. White space around a
// value is not part of it, and empty places count for nothing. Each value must have
// least bytes, unless it is one of short.
func splitSecrets(text string, least int, short ...Secret) ([]Secret, error) {
	var values []Secret
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		value := Secret(strings.TrimSpace(part))
		switch {
		case value == "":
			continue
		case len(value) < least && !slices.Contains(short, value):
			return nil, fmt.Errorf("must have %d bytes or more in each value", least)
		}
		values = append(values, value)
	}
	if len(values) == 0 {
		return nil, errors.New("has no value between its commas")
	}
	return values, nil
}
