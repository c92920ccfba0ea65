package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// request is sent to one service. Its zero method is GET; a body is JSON unless
// the header says otherwise.
type request struct {
	service, method, path, body string
	header                      map[string]string
}

func (r request) String() string { return fmt.Sprintf("%s %s %s", r.service, r.method, r.path) }

// with returns r with one more header.
func (r request) with(name, value string) request {
	header := map[string]string{name: value}
	for n, v := range r.header {
		header[n] = v
	}
	r.header = header
	return r
}

// token returns r with an edit token.
func (r request) token(t string) request { return r.with("Authorization", "Bearer "+t) }

type answer struct {
	status int
	header http.Header
	body   []byte
}

// send asks one replica once.
func (s *system) send(p *process, r request) (answer, error) {
	req, err := http.NewRequest(r.method, "http://"+p.addr()+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host // Go sends it from here only
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		documented(s.t, p.service, resp, []byte(r.body), body)
	}
	return answer{resp.StatusCode, resp.Header, body}, err
}

// once asks the replica whose turn it is.
func (s *system) once(r request) (answer, error) {
	all := s.replicas[r.service]
	return s.send(all[int(s.turn.Add(1))%len(all)], r)
}

// do asks one replica after the other while none listens or the answer is 503.
func (s *system) do(r request) (answer, error) {
	deadline := time.Now().Add(patience)
	for {
		a, err := s.once(r)
		again := errors.Is(err, syscall.ECONNREFUSED) || err == nil && a.status == http.StatusServiceUnavailable
		if !again || time.Now().After(deadline) {
			return a, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// must is do for an answer that has to have this status.
func (s *system) must(status int, r request) answer {
	s.t.Helper()
	a, err := s.do(r)
	if err != nil {
		s.t.Fatalf("%s: %v", r, err)
	}
	if a.status != status {
		s.t.Fatalf("%s: status %d, want %d: %s", r, a.status, status, a.body)
	}
	return a
}

// read decodes an answer.
func read[T any](s *system, a answer) T {
	s.t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		s.t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// pages follows the links of a list from its first page to its last.
func (s *system) pages(service, path string) []answer {
	s.t.Helper()
	var all []answer
	for len(all) < 10_000 {
		a := s.must(http.StatusOK, request{service: service, path: path})
		all = append(all, a)
		link := a.header.Get("Link")
		if link == "" {
			return all
		}
		target, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		ref, err := url.Parse(target)
		base, baseErr := url.Parse(path)
		if !ok || err != nil || baseErr != nil {
			s.t.Fatalf("%s %s: Link: %s", service, path, link)
		}
		path = base.ResolveReference(ref).RequestURI()
	}
	s.t.Fatalf("%s %s has no end", service, path)
	return nil
}

// list returns every element of a list, page by page.
func list[T any](s *system, service, path string) []T {
	s.t.Helper()
	var all []T
	for _, page := range s.pages(service, path) {
		all = append(all, read[[]T](s, page)...)
	}
	return all
}
