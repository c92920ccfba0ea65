package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// DecodeMembers reads the body of r, one JSON object of at most limit bytes, and
// returns its members as they are. It is for bodies whose form others define, of
// which only some members are known: unlike [Decode] it takes any. Of members
// with the same name the last one counts, as most languages have it. The error
// wraps [ErrMediaType], [ErrTooLarge] or [ErrInvalid].
func DecodeMembers(w http.ResponseWriter, r *http.Request, limit int64) (map[string]json.RawMessage, error) {
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		return nil, err
	}
	raw, err := object(body)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("%w: the body is not JSON: %s", ErrInvalid, syntax(err))
	}
	return members, nil
}
