package main

import (
	"fmt"
	"io"
	"time"
)

// How often long work says how far it has come: on a terminal, where the line
// is drawn over, and elsewhere, where each is a line of its own.
const (
	progressOnTerminal = 100 * time.Millisecond
	progressElsewhere  = 10 * time.Second
)

// progress shows how far long work has come, how fast it is, and how long it
// will take. It is for one goroutine.
type progress struct {
	out      io.Writer
	terminal bool
	what     string // "sent back"
	now      func() time.Time

	began, shown time.Time
	drawn        bool
}

// newProgress begins to count. what says what has been done with so many.
func newProgress(out io.Writer, what string) *progress {
	p := &progress{out: out, terminal: isTerminal(out), what: what, now: time.Now}
	p.began = p.now()
	p.shown = p.began
	return p
}

// at says that done of total are done; 0 is a total that is not known.
func (p *progress) at(done, total int) {
	every := progressElsewhere
	if p.terminal {
		every = progressOnTerminal
	}
	if now := p.now(); now.Sub(p.shown) >= every {
		p.shown = now
		p.show(done, total)
	}
}

func (p *progress) show(done, total int) {
	line := thousands(int64(done))
	if total > 0 {
		line += fmt.Sprintf(" of %s (%d %%)", thousands(int64(total)), 100*done/total)
	}
	line += " " + p.what
	if took := p.now().Sub(p.began); took > 0 {
		rate := float64(done) / took.Seconds()
		line += fmt.Sprintf(", %s/s", thousands(int64(rate)))
		if rate > 0 && total > done {
			line += ", " + ago(time.Duration(float64(total-done)/rate*float64(time.Second))+time.Second) + " left"
		}
	}
	if !p.terminal {
		fmt.Fprintln(p.out, line)
		return
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	p.drawn = true
}

// end takes the line off the terminal, for what is said next to stand there.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}
