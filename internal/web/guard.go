package web

import (
	"fmt"
	"net/http"
	"slices"
)

// DevelopmentToken is a token that everyone knows. It is honoured only for
// requests that are addressed to localhost.
const DevelopmentToken Secret = "development"

// Guard lets h answer only requests that bring the token, or one of those in
// also, else the answer is [ErrUnauthorized]. With no token configured it lets in
// what comes from this machine and is addressed to it as such, else the answer is
// [ErrForbidden]. variable is what configures the token, such as ADMIN_TOKEN, and
// is named to those who are refused.
func Guard(variable string, token Secret, h Handler, also ...Secret) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		brings := func(t Secret) bool { return HasToken(r, t) }
		switch {
		case slices.ContainsFunc(append([]Secret{token}, also...), brings):
		case token == "":
			if err := fromLoopback(r); err != nil {
				return fmt.Errorf("%w; to use it from elsewhere, set %s", err, variable)
			}
		case token == DevelopmentToken && !loopbackHost(r.Host):
			return fmt.Errorf("%w: the token %q is for localhost only; set %s", ErrForbidden, string(token), variable)
		default:
			return fmt.Errorf("%w (%s)", Unauthorized(r), variable)
		}
		return h(w, r)
	}
}
