package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// DevelopmentToken is a token that everyone knows. It is honoured only for
// requests that are addressed to localhost and come from this machine or a private
// network, with no header that names anyone else.
const DevelopmentToken Secret = "development"

// Guard lets h answer only requests that [Authorize] lets through.
func Guard(variable string, tokens Tokens, h Handler, also ...Secret) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := Authorize(r, variable, tokens, also...); err != nil {
			return err
		}
		return h(w, r)
	}
}

// Authorize returns nil if r brings one of the tokens, or one of those in also, else
// an [ErrUnauthorized]. With no token configured it returns nil for what comes from
// this machine and is addressed to it as such, else an [ErrForbidden]. variable is
// what configures the token, such as ADMIN_TOKEN, and is named to those who are
// refused.
func Authorize(r *http.Request, variable string, tokens Tokens, also ...Secret) error {
	if HasToken(r, tokens) || HasToken(r, also) {
		return nil
	}
	if len(tokens) == 0 {
		err := fromThisMachine(r)
		if err != nil {
			err = fmt.Errorf("%w; to use it from elsewhere, set %s", err, variable)
		}
		return err
	}
	given, brought := Bearer(r)
	known := func(t Secret) bool { return t == DevelopmentToken }
	everyone := !slices.ContainsFunc(tokens, func(t Secret) bool { return !known(t) }) || known(Secret(given)) && slices.ContainsFunc(tokens, known)
	if everyone && !developmentAllowed(r) {
		err := fmt.Errorf("%w: the token %q is for localhost only, from this machine or a private network; set %s",
			ErrForbidden, string(DevelopmentToken), variable)
		if brought {
			return wrongToken(r, err)
		}
		return err
	}
	return fmt.Errorf("%w (%s)", Unauthorized(r), variable)
}

// AuthorizeOwner returns nil if r brings one of the administrator's tokens, or the
// one of the owner, for which it asks owns. With no administrator's token
// configured, a request without Authorization that comes from this machine, and is
// addressed to it as such, is the administrator's. Else it is an [ErrUnauthorized].
func AuthorizeOwner(r *http.Request, admin Tokens, owns func() (bool, error)) error {
	if HasToken(r, admin) {
		return nil
	}
	if len(r.Header.Values("Authorization")) == 0 && len(admin) == 0 && fromThisMachine(r) == nil {
		return nil
	}
	switch ok, err := owns(); {
	case err != nil:
		return err
	case !ok:
		return Unauthorized(r)
	default:
		return nil
	}
}

// TokenOrLocal returns an [ErrForbidden] for a request that brings no token at all
// and does not come from this machine.
func TokenOrLocal(r *http.Request) error {
	if _, brought := Bearer(r); brought {
		return nil
	}
	return fromThisMachine(r)
}

// Inside lets h answer only requests that come from this machine or a private
// network (RFC 1918, RFC 4193, link-local), and on the whole way from there as far
// as proxies tell; else the answer is [ErrForbidden]. It is for what those who run
// the services read, and not for secrets: behind a gateway that hides where requests
// come from, all of them are from inside.
func Inside(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !inside(addrOf(r.RemoteAddr)) {
			return fmt.Errorf("%w: only private networks are answered", ErrForbidden)
		}
		for name, values := range r.Header {
			read := forwardingHeader(name)
			if read == nil || hostHeader(name) {
				continue
			}
			for _, value := range values {
				if !read(value, inside) {
					return fmt.Errorf("%w: only private networks are answered, and this came from elsewhere", ErrForbidden)
				}
			}
		}
		return h(w, r)
	}
}

// hostHeader reports whether a header names hosts, which for [Inside] can have any
// name.
func hostHeader(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "host") || strings.HasSuffix(name, "server") || name == "via"
}

func inside(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}
