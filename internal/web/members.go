package web

import (
	"encoding/json"
	"errors"
	"net/http"
)

// DecodeMembers reads the body of r, one JSON object of at most limit bytes, and
// returns its members as they are. It is for bodies whose form others define, of
// which only some members are known: unlike [Decode] it takes any. Of members
// with the same name the last one counts, as most languages have it. The error
// wraps [ErrMediaType], [ErrTooLarge] or [ErrInvalid].
func DecodeMembers(w http.ResponseWriter, r *http.Request, limit int64) (map[string]json.RawMessage, error) {
	if err := checkMediaType(w, r); err != nil {
		return nil, err
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	misfit, err := unmarshalObject(body, &members)
	return members, errors.Join(err, misfit)
}
