package event

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// PrivateMembers are the members of data that identify a client or its network.
// Only the services of the feed need them.
func PrivateMembers() []string {
	return []string{"authorKey", "authorKeys", "networkKey", "networkKeys"}
}

// WithoutPrivate returns e without the [PrivateMembers] of its data, whatever its
// type: a newer service may use them in types that this package does not know.
// Everything else in the data stays as it is.
func (e Event) WithoutPrivate() (Event, error) {
	if !mayHavePrivate(e.Data) {
		return e, nil
	}
	dec := json.NewDecoder(bytes.NewReader(e.Data))
	if _, err := dec.Token(); err != nil {
		return e, err
	}
	out := []byte{'{'}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return e, err
		}
		name, _ := token.(string) // names always are
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return e, err
		}
		if isPrivate(name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return e, err
		}
		out = append(append(append(out, quoted...), ':'), value...)
	}
	e.Data = append(out, '}')
	return e, nil
}

// mayHavePrivate saves most events the parsing. A backslash can hide a name.
func mayHavePrivate(data []byte) bool {
	lower := bytes.ToLower(data)
	return bytes.Contains(lower, []byte("authorkey")) || bytes.Contains(lower, []byte("networkkey")) ||
		bytes.Contains(lower, []byte(`\u00`))
}

// isPrivate does not look at the case of letters, as some readers do not either.
func isPrivate(name string) bool {
	return slices.ContainsFunc(PrivateMembers(), func(private string) bool { return strings.EqualFold(private, name) })
}
