package posts

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
	"newsfeed/internal/web"
)

// POST /posts over 64 connections, the whole service with Redis under everysec,
// beside a bare net/http server that decodes and answers the same JSON and stores
// nothing. cpu-µs/op is what this process took for each, the client's part, which
// is the same, included; redis-µs/op what Redis took.
func BenchmarkCreate(b *testing.B) {
	for _, name := range []string{"newsfeed", "bare"} {
		b.Run(name, func(b *testing.B) {
			var addr string
			redisCPU := func() time.Duration { return 0 }
			if name == "bare" {
				server := httptest.NewServer(http.HandlerFunc(bareCreate))
				b.Cleanup(server.Close)
				addr = server.Listener.Addr().String()
			} else {
				redis := bustest.Start(b, "--appendfsync", "everysec")
				redisCPU = func() time.Duration { return cpuOf(b, redis) }
				addr = running(b, redis.URL())
			}
			const connections = 64
			var clients sync.WaitGroup
			turns := make(chan struct{}, connections)
			for range connections {
				clients.Go(func() { creating(b, addr, turns) })
			}
			b.ReportAllocs()
			before, redisBefore := cpu(), redisCPU()
			for b.Loop() {
				turns <- struct{}{}
			}
			close(turns)
			clients.Wait()
			per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(b.N) }
			b.ReportMetric(per(cpu()-before), "cpu-µs/op")
			b.ReportMetric(per(redisCPU()-redisBefore), "redis-µs/op")
		})
	}
}

// bareCreate is what the row calls bare.
func bareCreate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in newPost
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, _ := json.Marshal(created{
		Post{ID: "019aa5a8-0000-7000-8000-000000000000", Title: in.Title, Body: in.Body, Author: in.Author, CreatedAt: time.Now().UTC(), Version: 1},
		"0000000000000000000000000000000000000000000",
	})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
}

// running runs the service until the benchmark ends, and returns its address.
func running(b *testing.B, redisURL string) string {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	port := bustest.FreePort(b)
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		cfg := Config{Config: web.Config{ListenAddr: web.ListenAddr(addr), RedisURL: web.RedisURL(redisURL)}, RateLimit: web.RateLimit{Off: true}}
		done <- Run(ctx, cfg, web.NewLogger(null, "posts", slog.LevelInfo))
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		_ = null.Close()
	})
	bustest.Eventually(b, 10*time.Second, "the service is ready", func() bool {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return addr
}

// creating makes a post per turn over one connection.
func creating(b *testing.B, addr string, turns <-chan struct{}) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	body := `{"title":"A title of a usual length","body":"` + strings.Repeat("Some text that a post may have. ", 8) + `","author":"ann"}`
	post := []byte("POST /posts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	for range turns {
		if _, err := conn.Write(post); err != nil {
			b.Error(err)
			return
		}
		status, err := in.ReadSlice('\n')
		if err != nil || !bytes.Contains(status, []byte(" 201 ")) {
			b.Errorf("%s %v", status, err)
			return
		}
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Error(err)
				return
			}
			if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(n)))
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := in.Discard(length); err != nil {
			b.Error(err)
			return
		}
	}
}

// cpu is how much time of processors this process has taken.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpuOf is how much Redis has.
func cpuOf(b *testing.B, server *bustest.Redis) time.Duration {
	text, err := server.Client().Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var total time.Duration
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, _ := strconv.ParseFloat(value, 64)
			total += time.Duration(seconds * float64(time.Second))
		}
	}
	return total
}
