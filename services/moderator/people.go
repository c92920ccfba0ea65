package moderator

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"newsfeed/internal/web"
)

// admin is the name of who brings the admin's token.
const admin = "admin"

// maxPeopleBytes bounds the file of moderators.
const maxPeopleBytes = 1 << 20

// People are the moderators, each with the SHA-256 of a token. A token is 32
// random bytes, so that its hash need not be a slow one: there is nothing to guess.
type People struct{ list []person }

type person struct {
	name string
	hash [sha256.Size]byte
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ValidName reports why name cannot be a moderator's: it is not of 1 to 64 of
// A–Z a–z 0–9 . _ -, or stands for somebody else in the log.
func ValidName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%.70q is not a name of 1 to 64 letters, digits, points, underscores and hyphens", name)
	}
	if slices.Contains([]string{byRules, byJudge, admin}, name) {
		return fmt.Errorf("the name %q is taken by the program", name)
	}
	return nil
}

// PersonLine is the line for a moderator in the list that [ParsePeople] reads.
func PersonLine(name, token string) string {
	sum := sha256.Sum256([]byte(token))
	return name + ":" + hex.EncodeToString(sum[:])
}

// ParsePeople reads a list of name:hash, one to a line or with commas between;
// what follows a # is a comment. Two lines of one name are two tokens of one
// person, so that one can be replaced in peace. The error is one line that repeats
// no token.
func ParsePeople(data []byte) (People, error) {
	var p People
	if len(data) > maxPeopleBytes {
		return p, fmt.Errorf("larger than %d bytes", maxPeopleBytes)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry == "" {
				continue
			}
			one, err := parsePerson(entry)
			if err != nil {
				return People{}, fmt.Errorf("line %d: %w", n, err)
			}
			p.list = append(p.list, one)
		}
	}
	return p, nil
}

func parsePerson(entry string) (person, error) {
	name, text, _ := strings.Cut(entry, ":")
	if err := ValidName(name); err != nil {
		return person{}, err
	}
	one := person{name: name}
	sum, err := hex.DecodeString(text)
	if err != nil || copy(one.hash[:], sum) != sha256.Size || len(sum) != sha256.Size {
		return person{}, errors.New("what follows " + name + ": is not the 64 hexadecimal digits that newsfeed token new prints")
	}
	return one, nil
}

// String lists the names.
func (p People) String() string {
	var names []string
	for _, one := range p.list {
		if !slices.Contains(names, one.name) {
			names = append(names, one.name)
		}
	}
	return strings.Join(names, ", ")
}

// LogValue implements slog.LogValuer.
func (p People) LogValue() slog.Value { return slog.StringValue(p.String()) }

// of returns whose token it is. It takes as long whoever that is.
func (p People) of(token string) (name string, ok bool) {
	sum := sha256.Sum256([]byte(token))
	for _, one := range p.list {
		if subtle.ConstantTimeCompare(sum[:], one.hash[:]) == 1 {
			name, ok = one.name, true
		}
	}
	return name, ok
}

// door lets in those who may moderate.
type door struct {
	people *watched[People]
	admin  web.Tokens
}

// personal is a handler that knows who asks.
type personal func(w http.ResponseWriter, r *http.Request, who string) error

// enter lets h answer a moderator, by the token that the request brings, or the
// admin. As long as neither has a token, who sits at this machine is the admin.
func (d door) enter(h personal) web.Handler {
	asAdmin := web.Guard("ADMIN_TOKEN", d.admin, func(w http.ResponseWriter, r *http.Request) error { return h(w, r, admin) })
	return func(w http.ResponseWriter, r *http.Request) error {
		people := d.people.Current()
		token, brought := web.Bearer(r)
		if name, ok := people.of(token); brought && ok {
			return h(w, r, name)
		}
		if len(d.admin) == 0 && len(people.list) > 0 {
			return web.Unauthorized(r)
		}
		return asAdmin(w, r)
	}
}
