package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"newsfeed/internal/bustest"
)

const observability = "../infra/observability/"

// prometheus is one that watches a system.
type prometheus struct {
	s   *system
	url string
}

// startPrometheus runs Prometheus with the project's configuration, but for the
// addresses of the system and for how long things take.
func startPrometheus(t *testing.T, s *system) *prometheus {
	t.Helper()
	dir, port := t.TempDir(), bustest.FreePort(t)
	rules := readYAML(t, "alerts.yml")
	for _, rule := range rules["groups"].([]any)[0].(map[string]any)["rules"].([]any) {
		if rule := rule.(map[string]any); rule["for"] != nil {
			rule["for"] = "1s"
		}
	}
	writeYAML(t, filepath.Join(dir, "alerts.yml"), rules)
	config := readYAML(t, "prometheus.yml")
	// A scrape may take as long as the interval; a service that takes longer is down.
	config["global"] = map[string]any{"scrape_interval": "2s", "evaluation_interval": "500ms"}
	scrape := config["scrape_configs"].([]any)[0].(map[string]any)
	delete(scrape, "dns_sd_configs")
	delete(scrape, "relabel_configs")
	var targets []any
	for service, replicas := range s.replicas {
		for _, p := range replicas {
			targets = append(targets, map[string]any{"targets": []string{p.addr()}, "labels": map[string]string{"service": service}})
		}
	}
	scrape["static_configs"] = targets
	writeYAML(t, filepath.Join(dir, "prometheus.yml"), config)

	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--log.level=warn",
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:"+strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: make test installs it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if said, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Prometheus says:\n%s", said)
		}
	})
	p := &prometheus{s, "http://127.0.0.1:" + strconv.Itoa(port)}
	s.eventually("Prometheus is ready", func() string {
		_, err := p.get("/-/ready")
		return errorText(err)
	})
	return p
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func readYAML(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(observability + name)
	var content map[string]any
	if err == nil {
		err = yaml.Unmarshal(text, &content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func writeYAML(t *testing.T, path string, content any) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *prometheus) get(path string) ([]byte, error) {
	resp, err := p.s.client.Get(p.url + path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}

// query returns the values of an expression, but for those that are not numbers.
func (p *prometheus) query(expr string) ([]float64, error) {
	body, err := p.get("/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var values []float64
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values, nil
}

// firing reports whether the alert is raised with these labels.
func (p *prometheus) firing(alert string, labels map[string]string) bool {
	expr := `ALERTS{alertstate="firing",alertname="` + alert + `"`
	for name, value := range labels {
		expr += "," + name + `="` + value + `"`
	}
	values, err := p.query(expr + "}")
	return err == nil && len(values) > 0
}

// comparison is what every rule ends with.
var comparison = regexp.MustCompile(`^(.*\S)\s+[<>]=?\s+[0-9.]+$`)

// expressions returns those of all rules, without the comparison at the end, and of
// all panels of the dashboard, by where they stand.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, group := range readYAML(t, "alerts.yml")["groups"].([]any) {
		for _, rule := range group.(map[string]any)["rules"].([]any) {
			rule := rule.(map[string]any)
			parts := comparison.FindStringSubmatch(rule["expr"].(string))
			if parts == nil {
				t.Fatalf("%s does not end with a comparison: %s", rule["alert"], rule["expr"])
			}
			all["alert "+rule["alert"].(string)] = parts[1]
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	text, err := os.ReadFile(observability + "grafana/dashboards/newsfeed.json")
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all["panel "+panel.Title+" "+target.RefID] = strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
		}
	}
	return all
}

// Everything that the alerts and the dashboard ask for is there; a group of which
// nobody runs is told of, until it has caught up.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	for _, name := range []string{"eventbus", "frontend"} {
		p := newProcess(t, name, name+"-0", s.redis.URL())
		for service, replicas := range s.replicas {
			p.env[strings.ToUpper(service)+"_URL"] = "http://" + replicas[0].addr()
		}
		s.replicas[name] = []*process{p}
		s.start(name)
		bustest.Eventually(t, patience, name+" is ready", func() bool {
			resp, err := s.client.Get("http://" + p.addr() + "/readyz")
			return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
		})
		defer p.stop()
	}
	watch := startPrometheus(t, s)
	feed := s.newPost("First")
	s.awaitPost(feed.ID, true)
	s.awaitStatus(s.newComment(feed.ID, "A kind word", "Bea"), "approved")

	all := expressions(t)
	if len(all) < 45 {
		t.Errorf("only %d expressions", len(all))
	}
	for at, expr := range all {
		s.eventually("there is data for "+at+": "+expr, func() string {
			values, err := watch.query(expr)
			if err != nil || len(values) == 0 {
				s.newComment(feed.ID, "Rates need something to happen", "Bea")
				return fmt.Sprintf("%d values (%v)", len(values), err)
			}
			return ""
		})
	}
	t.Logf("%d expressions have data", len(all))

	s.kill("moderator")
	for i := range 120 {
		s.newComment(feed.ID, fmt.Sprint("comment ", i), "Bea")
	}
	lag := map[string]string{"group": "moderator", "stream": "{comments}:events"}
	down := map[string]string{"service": "moderator"}
	begin := time.Now()
	s.eventually("the lag is told of", func() string {
		if !watch.firing("NewsfeedGroupLags", lag) || !watch.firing("NewsfeedServiceDown", down) {
			return fmt.Sprint(watch.query(`newsfeed_group_lag{group="moderator"}`))
		}
		return ""
	})
	t.Logf("the alert was raised after %s", time.Since(begin).Round(100*time.Millisecond))
	for _, other := range []string{"query", "comments"} {
		if watch.firing("NewsfeedGroupLags", map[string]string{"group": other}) {
			t.Errorf("%s is said to lag too", other)
		}
	}
	s.start("moderator")
	begin = time.Now()
	s.eventually("nothing is told of any more", func() string {
		if lags, stopped := watch.firing("NewsfeedGroupLags", lag), watch.firing("NewsfeedServiceDown", down); lags || stopped {
			values, err := watch.query(`newsfeed_group_lag{group="moderator"}`)
			return fmt.Sprintf("lags %v by %v, is down %v (%v)", lags, values, stopped, err)
		}
		return ""
	})
	t.Logf("the alert was over after %s", time.Since(begin).Round(100*time.Millisecond))
	s.ready("moderator")
}

// The rules are raised when they should be, and not before.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	tests := readYAML(t, "alerts_test.yml")["tests"].([]any)
	tested := map[string]bool{}
	for _, one := range tests {
		tested[one.(map[string]any)["name"].(string)] = true
	}
	docs, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	for at := range maps.Keys(expressions(t)) {
		alert, ok := strings.CutPrefix(at, "alert ")
		if ok && !tested[alert] {
			t.Errorf("%s has no test of its own in alerts_test.yml", alert)
		}
		if ok && !strings.Contains(string(docs), "\n### "+alert+"\n") {
			t.Errorf("docs/alerts.md does not say what to do about %s", alert)
		}
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = observability
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
