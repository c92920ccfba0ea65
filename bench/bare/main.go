// Command bare is a net/http server that does no more than a request asks for and
// stores nothing: the bound on what a service in Go can answer.
//
//	bare -addr 127.0.0.1:8080 -body file   GET /posts writes the same bytes
//	bare -addr 127.0.0.1:8080              POST /posts decodes and answers a post
package main

import (
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func serve() error {
	addr := flag.String("addr", "", "where to listen")
	file := flag.String("body", "", "what GET /posts answers")
	flag.Parse()
	mux := http.NewServeMux()
	if *file != "" {
		body, err := os.ReadFile(*file)
		if err != nil {
			return err
		}
		mux.HandleFunc("GET /posts", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body) // the load generator counts what it does not get
		})
	}
	var posts counter
	mux.HandleFunc("POST /posts", posts.create)
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, posts.n.Load()) })
	srv := &http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return srv.ListenAndServe()
}

// post is what the posts service takes and answers.
type post struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"createdAt"`
	Version   int64     `json:"version"`
	EditToken string    `json:"editToken"`
}

// counter keeps of a post no more than that there was one.
type counter struct{ n atomic.Int64 }

func (c *counter) create(w http.ResponseWriter, r *http.Request) {
	var p post
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n := c.n.Add(1)
	p.ID, p.CreatedAt, p.Version, p.EditToken = strconv.FormatInt(n, 10)+rand.Text(), time.Now().UTC(), 1, rand.Text()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/posts/"+p.ID)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(p) // the load generator counts what it does not get
}
