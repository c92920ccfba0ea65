package moderator

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func TestParsePeople(t *testing.T) {
	t.Parallel()
	ann, bob, anew := PersonLine("ann", "a"), PersonLine("bob.b-1_", "b"), PersonLine("ann", "a2")
	p, err := ParsePeople([]byte("# the team\n" + ann + " # since 2026\r\n\n" + bob + ", " + anew + ",\n"))
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"a": "ann", "a2": "ann", "b": "bob.b-1_", "": "", "c": "", ann: ""} {
		if got, ok := p.of(token); got != want || ok != (want != "") {
			t.Errorf("the token %q is that of %q, want %q", token, got, want)
		}
	}
	if got := p.String(); got != "ann, bob.b-1_" {
		t.Errorf("printed as %s", got)
	}
	const token = "KHGSSGXJE65QMSU5VZESNTCB4MAEIJHRC2GC5TKVUJDHEAFYK65E"
	for text, want := range map[string]string{
		"ann":                             "line 1: what follows ann: is not the 64 hexadecimal digits that newsfeed token new prints",
		"\nann:" + token:                  "line 2: what follows ann: is not the 64 hexadecimal digits that newsfeed token new prints",
		ann + "00":                        "line 1: what follows ann: is not the 64 hexadecimal digits that newsfeed token new prints",
		"a b:" + ann[4:]:                  `line 1: "a b" is not a name of 1 to 64 letters, digits, points, underscores and hyphens`,
		"rules:" + ann[4:]:                `line 1: the name "rules" is taken by the program`,
		"judge:" + ann[4:]:                `line 1: the name "judge" is taken by the program`,
		"admin:" + ann[4:]:                `line 1: the name "admin" is taken by the program`,
		strings.Repeat("#", 1+1<<20):      "larger than 1048576 bytes",
		strings.Repeat("a", 65) + ann[3:]: `line 1: "` + strings.Repeat("a", 65) + `" is not a name of 1 to 64 letters, digits, points, underscores and hyphens`,
	} {
		_, err := ParsePeople([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.60q: error %v, want %s", text, err, want)
		}
		if strings.Contains(want+err.Error(), token) {
			t.Error("the error repeats a token")
		}
	}
}

// Who is let in changes with the file, without a restart, and a mistake in it locks
// nobody out.
func TestModeratorsComeAndGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "moderators")
	write(t, path, PersonLine("ann", "a"))
	people, err := open("moderators", path, "", maxPeopleBytes, ParsePeople)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	for _, step := range []struct {
		file     string
		ann, bob bool
	}{
		{PersonLine("ann", "a"), true, false},
		{PersonLine("ann", "a") + "\n" + PersonLine("bob", "b"), true, true},
		{"ann:mistake", true, true},
		{PersonLine("bob", "b"), false, true},
	} {
		write(t, path, step.file)
		people.reload(log)
		for token, want := range map[string]bool{"a": step.ann, "b": step.bob} {
			if _, ok := people.Current().of(token); ok != want {
				t.Errorf("with %q the token %q opens: %t, want %t", step.file, token, ok, want)
			}
		}
	}
	if !strings.Contains(out.String(), `moderators="ann, bob"`) || !strings.Contains(out.String(), "the old moderators stay in force") {
		t.Errorf("log: %s", out.String())
	}
}

func TestDoorWithoutTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, people, from string
		admin              web.Tokens
		token              string
		status             int
	}{
		{"nothing set, this machine", "", "127.0.0.1:1", nil, "", http.StatusOK},
		{"nothing set, elsewhere", "", "192.0.2.1:1", nil, "", http.StatusForbidden},
		{"moderators set, this machine", PersonLine("ann", "a"), "127.0.0.1:1", nil, "", http.StatusUnauthorized},
		{"moderators set, one of them", PersonLine("ann", "a"), "192.0.2.1:1", nil, "a", http.StatusOK},
		{"admin set, another token", "", "127.0.0.1:1", web.Tokens{"s"}, "a", http.StatusUnauthorized},
		{"admin set, that token", PersonLine("ann", "a"), "192.0.2.1:1", web.Tokens{"r", "s"}, "s", http.StatusOK},
	} {
		people, err := open("moderators", "", tt.people, maxPeopleBytes, ParsePeople)
		if err != nil {
			t.Fatal(err)
		}
		rt := web.NewRouter(slog.New(slog.DiscardHandler))
		rt.Handle("GET", "/", door{people, tt.admin}.enter(func(w http.ResponseWriter, _ *http.Request, who string) error {
			return web.WriteJSON(w, http.StatusOK, who)
		}))
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5003}))
		r.Host, r.RemoteAddr = "localhost", tt.from
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		answer := httptest.NewRecorder()
		rt.ServeHTTP(answer, r)
		if answer.Code != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, answer.Code, tt.status, answer.Body)
		}
	}
}
