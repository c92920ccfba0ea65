package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// EditKey makes the tokens with which an author edits what they wrote. Whoever
// has the key can make them all, so a token need not be stored.
type EditKey []byte

// Token returns the edit token for one thing: base64url(HMAC-SHA256(key,
// kind ":" id)). kind is a word such as "post".
func (k EditKey) Token(kind, id string) string {
	return base64.RawURLEncoding.EncodeToString(k.sum(kind + ":" + id))
}

// Holds reports whether r brings the edit token for the thing.
func (k EditKey) Holds(r *http.Request, kind, id string) bool {
	token, ok := Bearer(r)
	return ok && same(token, k.Token(kind, id))
}

// EditKeys are several keys for the same tokens, the newest first, so that a new key
// does not make the tokens of an older one void.
type EditKeys []EditKey

// Token returns the edit token for one thing, made with the newest key. revision
// says how often the tokens of the thing were revoked; without any the token is that
// of [EditKey.Token].
func (k EditKeys) Token(kind, id string, revision int64) string {
	return k[0].Token(kind, revised(id, revision))
}

// Holds reports whether r brings the edit token for the thing, made with one of the
// keys. It takes as long whichever key it is.
func (k EditKeys) Holds(r *http.Request, kind, id string, revision int64) bool {
	held := false
	for _, key := range k {
		if key.Holds(r, kind, revised(id, revision)) {
			held = true
		}
	}
	return held
}

// revised is id in a token of that revision. No id has a NUL, so no other thing has
// this token.
func revised(id string, revision int64) string {
	if revision == 0 {
		return id
	}
	return id + "\x00" + strconv.FormatInt(revision, 10)
}

// AuthorKey names the author behind a client, as [ClientNet] has it, without
// giving the address away: 32 hexadecimal digits of its HMAC. No kind of a token
// begins with NUL, so it never is the beginning of a token.
func (k EditKey) AuthorKey(client string) string {
	return hex.EncodeToString(k.sum("\x00author:" + client)[:16])
}

// NetworkKey names the network of a client, as [ClientNetwork] has it, in the same way.
func (k EditKey) NetworkKey(network string) string {
	return hex.EncodeToString(k.sum("\x00network:" + network)[:16])
}

func (k EditKey) sum(text string) []byte {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Bearer returns the token of the Authorization header (RFC 6750) and whether
// there is one.
func Bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// HasToken reports whether r brings one of the configured tokens. It never does if
// none is configured, nor if the token is [DevelopmentToken] and the request may come
// from elsewhere. It takes as long whichever token it is.
func HasToken(r *http.Request, tokens Tokens) bool {
	given, ok := Bearer(r)
	if !ok {
		return false
	}
	valid := false
	for _, token := range tokens {
		if same(given, string(token)) && (token != DevelopmentToken || developmentAllowed(r)) {
			valid = true
		}
	}
	return valid
}

// Unauthorized is the error for a request whose token is missing or wrong. It counts
// the wrong ones of the client's network; of too many it is an [ErrTooMany].
func Unauthorized(r *http.Request) error {
	if _, ok := Bearer(r); !ok {
		return fmt.Errorf("%w: send it as Authorization: Bearer <token>", ErrUnauthorized)
	}
	return wrongToken(r, fmt.Errorf("%w: this token is not valid here", ErrUnauthorized))
}

// same compares in a time that depends on neither text nor their lengths.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
