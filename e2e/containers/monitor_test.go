//go:build containers

package containers

import (
	"bufio"
	"context"
	"crypto/rand"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A call is one command as MONITOR shows it. What a script does counts as done by
// the user who called the script.
type call struct {
	user, command string
	keys          []string
}

// monitor records what every client does, over restarts of Redis.
type monitor struct {
	users  map[string]string // by address
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	calls   map[string]call // one of each kind
	last    string          // who called the script that runs
	mark    string          // the last text that somebody had echoed
	unknown []string        // lines that are not understood
	runs    int
}

// record begins to record; users says whose each client address is.
func record(t testing.TB, s *stack, users map[string]string) *monitor {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := &monitor{users: users, cancel: cancel, done: make(chan struct{}), calls: map[string]call{}}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			m.run(ctx, s)
		}
	}()
	t.Cleanup(m.stop)
	s.eventually(10*time.Second, "MONITOR runs", func() string {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.runs == 0 {
			return "not yet"
		}
		return ""
	})
	return m
}

// stop ends the recording; after that calls can be read.
func (m *monitor) stop() {
	m.cancel()
	<-m.done
}

// is says whose an address is from now on; what it did before has been recorded.
func (m *monitor) is(s *stack, address, user string) {
	s.t.Helper()
	mark := "mark-" + rand.Text()
	s.operator("ECHO", mark)
	s.eventually(10*time.Second, "MONITOR has shown what was done", func() string {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.mark != mark {
			return m.mark
		}
		return ""
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[address] = user
}

func (m *monitor) run(ctx context.Context, s *stack) {
	cmd := exec.CommandContext(ctx, "docker", "exec", s.name("redis"), "redis-cli",
		"--user", "operator", "--pass", "development", "--no-auth-warning", "monitor")
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		m.line(lines.Text())
	}
	_ = cmd.Wait()
	if ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond) // Redis is being started again
	}
}

var (
	monitorLine = regexp.MustCompile(`^\d+\.\d+ \[\d+ (\S+)\] (.*)$`)
	quoted      = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

func (m *monitor) line(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if text == "OK" {
		m.runs++
		return
	}
	parts := monitorLine.FindStringSubmatch(text)
	if parts == nil {
		if text != "" && text[0] >= '0' && text[0] <= '9' {
			m.unknown = append(m.unknown, text)
		}
		return // what docker exec says of a container that is just ending
	}
	var args []string
	for _, q := range quoted.FindAllString(parts[2], -1) {
		arg, err := strconv.Unquote(q)
		if err != nil {
			m.unknown = append(m.unknown, text)
			return
		}
		args = append(args, arg)
	}
	c := understand(args)
	if parts[1] == "lua" {
		c.user = m.last
	} else {
		host, _, _ := strings.Cut(parts[1], ":")
		c.user = m.users[host]
		m.last = c.user
	}
	if c.command == "echo" {
		m.mark = args[1]
	}
	if c.user != "" {
		m.calls[c.user+" "+c.command+" "+strings.Join(c.keys, " ")] = c
	}
}

// understand tells command and keys.
func understand(args []string) call {
	c := call{command: strings.ToLower(args[0])}
	switch c.command {
	case "client", "xinfo", "xgroup", "script", "command":
		c.command += "|" + strings.ToLower(args[1])
		args = args[1:]
	}
	rest := args[1:]
	switch {
	case strings.HasPrefix(c.command, "eval"):
		n, _ := strconv.Atoi(rest[1])
		c.keys = rest[2 : 2+n]
	case c.command == "mget" || c.command == "del" || c.command == "exists":
		c.keys = rest
	case c.command == "xread" || c.command == "xreadgroup":
		for i, a := range rest {
			if strings.EqualFold(a, "streams") {
				streams := rest[i+1:]
				c.keys = streams[:len(streams)/2]
				break
			}
		}
	case strings.Contains("ping info hello auth time", c.command) || strings.HasPrefix(c.command, "client|"):
	case len(rest) > 0:
		c.keys = rest[:1]
	}
	return c
}
