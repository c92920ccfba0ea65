package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const (
	idempotencyHeader = "Idempotency-Key"
	minIdempotencyKey = 16
	maxIdempotencyKey = 128
)

// IdempotencyKey returns the Idempotency-Key of r, "" if it has none. The error
// is an [Invalid] if it is not 16 to 128 visible characters of ASCII. The key is
// opaque: quotes around it are part of it.
//
// Whoever knows a key and its request can ask for the first answer again, edit
// token included, so a key is to be made at random, such as a UUID.
func IdempotencyKey(r *http.Request) (string, error) {
	lines := r.Header.Values(idempotencyHeader)
	if len(lines) == 0 {
		return "", nil
	}
	key := lines[0]
	hidden := strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f })
	if len(lines) > 1 || hidden || len(key) < minIdempotencyKey || len(key) > maxIdempotencyKey {
		return "", &Invalid{Fields: []FieldError{{Header: idempotencyHeader, Detail: fmt.Sprintf(
			"must be there once, with %d to %d visible ASCII characters", minIdempotencyKey, maxIdempotencyKey)}}}
	}
	return key, nil
}

// Fingerprint tells requests apart that come under one [IdempotencyKey]. what
// names method and target, and body is the body as it was decoded: since the
// answer is made from that, requests of the same fingerprint have the same
// answer, however their JSON was written.
func Fingerprint(what string, body any) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", what, err)
	}
	sum := sha256.Sum256([]byte(what + "\n" + string(text)))
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
