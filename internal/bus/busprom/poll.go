package busprom

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of what looking costs, whoever scrapes and however often.
const (
	pollEvery   = 2 * time.Second
	pollTimeout = 2 * time.Second
)

// Poll is a collector that has to ask somewhere for its samples. It asks when it is
// scraped, not more often than every two seconds, and not for longer than two.
type Poll struct {
	describe []*prometheus.Desc
	read     func(ctx context.Context) ([]prometheus.Metric, error)
	up       *prometheus.Desc

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

// NewPoll returns a Poll whose samples read returns, of the metrics that are
// described. name is for newsfeed_poll_up, which says whether the last one worked;
// after one that did not there are no other samples.
func NewPoll(name string, read func(context.Context) ([]prometheus.Metric, error), describe ...*prometheus.Desc) *Poll {
	return &Poll{
		describe: describe, read: read,
		up: prometheus.NewDesc("newsfeed_poll_up",
			"1 if Redis could be asked for the metrics that it knows.", nil, prometheus.Labels{"poll": name}),
	}
}

// Describe implements [prometheus.Collector].
func (p *Poll) Describe(ch chan<- *prometheus.Desc) {
	ch <- p.up
	for _, d := range p.describe {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (p *Poll) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || time.Since(p.at) >= pollEvery {
		p.look()
	}
	for _, m := range p.last {
		ch <- m
	}
}

func (p *Poll) look() {
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	up := 1.0
	samples, err := p.read(ctx)
	if err != nil {
		samples, up = nil, 0
	}
	p.last = append(samples, prometheus.MustNewConstMetric(p.up, prometheus.GaugeValue, up))
	p.at = time.Now()
}
