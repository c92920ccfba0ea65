package moderator

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"newsfeed/internal/bus/busprom"
)

// newQueueMetrics shows how many comments wait for a person, and for how long.
func newQueueMetrics(s *store) prometheus.Collector {
	held := prometheus.NewDesc("newsfeed_held_comments", "Comments that wait for a person.", nil, nil)
	oldest := prometheus.NewDesc("newsfeed_oldest_held_seconds", "How long the comment has waited for a person that waits longest, 0 if none does.", nil, nil)
	return busprom.NewPoll("queue", func(ctx context.Context) ([]prometheus.Metric, error) {
		sum, err := s.waiting(ctx)
		if err != nil {
			return nil, err
		}
		waited := 0.0
		if sum.Oldest != "" {
			waited = max(0, time.Since(sum.Since).Seconds())
		}
		return []prometheus.Metric{
			prometheus.MustNewConstMetric(held, prometheus.GaugeValue, float64(sum.Held)),
			prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, waited),
		}, nil
	}, held, oldest)
}
