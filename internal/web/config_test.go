package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/internal/web"
)

type config struct {
	web.Config
	EditKey web.Secret    `env:"EDIT_KEY"`
	Wait    time.Duration `env:"WAIT" envDefault:"500ms"`
	Chunk   int           `env:"CHUNK" envDefault:"100"`
	Limit   web.RateLimit `env:"RATE_LIMIT"`
	Need    string        `env:"NEED,required"`
}

func (c config) Validate() error {
	if c.Chunk < 0 {
		return &web.ConfigError{Variable: "CHUNK", Err: errors.New("must not be negative")}
	}
	return nil
}

func TestLoad(t *testing.T) {
	want := config{Wait: time.Second, Chunk: 100, Need: "x", EditKey: "k"}
	want.Config = web.Config{
		ListenAddr: ":5001", RedisURL: "redis://127.0.0.1:6380", CORSOrigins: []web.Origin{"http://localhost:3000", "https://feed.example"},
		LogLevel: slog.LevelDebug, Instance: "posts-0", DrainTimeout: web.DrainDuration(web.DefaultDrain),
		TrustedProxies: proxies(t, "127.0.0.0/8", "::1"), MaxConnections: web.DefaultConnections,
	}
	want.Limit = web.RateLimit{Rate: 30, Period: time.Minute, Burst: 5, Bytes: web.DefaultRateLimit().Bytes}
	got, err := web.Load[config](map[string]string{
		"LISTEN_ADDR": ":5001", "CORS_ORIGINS": "http://localhost:3000/, HTTPS://feed.example", "LOG_LEVEL": "debug", "INSTANCE": "posts-0",
		"WAIT": "1s", "CHUNK": "", "NEED": "x", "EDIT_KEY": "k", "REDIS_URL": "", "EDIT_KEY_FILE": "", "OTHER": "y", "NEED_FILE": "/nowhere",
		"RATE_LIMIT": "30/m,burst=5",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(web.Proxy{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(web.Describe(got)); !strings.Contains(got, "RATE_LIMIT=30/m,burst=5") || !strings.Contains(got, "TRUSTED_PROXIES=[127.0.0.0/8 ::1/128]") {
		t.Errorf("described as %s", got)
	}
}

func TestRateLimit(t *testing.T) {
	usual := web.DefaultRateLimit().Bytes
	for text, want := range map[string]web.RateLimit{
		"off": {Off: true}, "10/s": {Rate: 10, Period: time.Second, Burst: 10, Bytes: usual},
		"3/h,burst=9":                {Rate: 3, Period: time.Hour, Burst: 9, Bytes: usual},
		"3/m, burst=1000000":         {Rate: 3, Period: time.Minute, Burst: 1_000_000, Bytes: usual},
		"3/m,bytes=1GiB/h":           {Rate: 3, Period: time.Minute, Burst: 3, Bytes: web.ByteLimit{Amount: 1 << 30, Period: time.Hour}},
		"3/m,bytes=100KiB/s,burst=9": {Rate: 3, Period: time.Minute, Burst: 9, Bytes: web.ByteLimit{Amount: 100 << 10, Period: time.Second}},
		"3/m,burst=9,bytes=1500B/m":  {Rate: 3, Period: time.Minute, Burst: 9, Bytes: web.ByteLimit{Amount: 1500, Period: time.Minute}},
		"3/m,burst=9,bytes=off":      {Rate: 3, Period: time.Minute, Burst: 9},
	} {
		var got, again web.RateLimit
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != want {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
	if got := (web.RateLimit{}).String(); got != "10/s,burst=100,bytes=8MiB/h" {
		t.Errorf("the default is printed as %s", got)
	}
}

func TestListenAddrLoopback(t *testing.T) {
	for addr, want := range map[web.ListenAddr]bool{
		"": true, "localhost:5001": true, "127.0.0.1:5001": true, "[::1]:5001": true,
		":5001": false, "0.0.0.0:5001": false, "[::]:5001": false, "192.0.2.1:5001": false,
	} {
		if got := addr.Loopback(); got != want {
			t.Errorf("%q is loopback: %v", addr, got)
		}
	}
}

func TestLoadSecretFile(t *testing.T) {
	dir := t.TempDir()
	path, empty, redis := filepath.Join(dir, "key"), filepath.Join(dir, "empty"), filepath.Join(dir, "redis")
	for name, text := range map[string]string{path: " from file \r\n", empty: "\n", redis: "redis://:pw@db:1\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := web.Load[config](map[string]string{"NEED": "x", "EDIT_KEY_FILE": path, "EDIT_KEY": "", "REDIS_URL_FILE": redis})
	if err != nil || got.EditKey != " from file " || got.RedisURL != "redis://:pw@db:1" {
		t.Errorf("key %q, URL %q, error %v", string(got.EditKey), string(got.RedisURL), err)
	}
	for want, environ := range map[string]map[string]string{
		"EDIT_KEY and EDIT_KEY_FILE are both set, only one can be": {"EDIT_KEY": "k", "EDIT_KEY_FILE": path},
		"EDIT_KEY_FILE names an empty file: " + empty:              {"EDIT_KEY_FILE": empty},
		"EDIT_KEY_FILE cannot be read: open " + path + "x: no such file or directory": {
			"EDIT_KEY_FILE": path + "x"},
	} {
		environ["NEED"] = "x"
		if _, err := web.Load[config](environ); err == nil || err.Error() != want || web.ExitCode(err) != 2 {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	const (
		addr   = "is not an address such as 127.0.0.1:5001, [::1]:5001 or :5001"
		redis  = "is not redis://host:port or rediss://host:port, or a list of them with commas between"
		origin = "is not an origin such as http://localhost:3000, nor *"
		proxy  = "is not an address such as 10.0.0.7 or a range such as 10.0.0.0/8, nor a list of them with commas between"
		limit  = "is not off, nor a limit such as 10/s,burst=100,bytes=8MiB/h (or /m, /h; bytes=off)"
	)
	for _, tt := range []struct{ key, value, want string }{
		{"LISTEN_ADDR", "5001", `= "5001" ` + addr},
		{"LISTEN_ADDR", ":65536", `= ":65536" ` + addr},
		{"LISTEN_ADDR", "::1:5001", `= "::1:5001" ` + addr},
		{"LISTEN_ADDR", "example.org:1", `= "example.org:1" ` + addr},
		{"REDIS_URL", "redis://:secret@[::1:6379", "= *** " + redis},
		{"REDIS_URL", "http://:secret@db:1", "= *** " + redis},
		{"REDIS_URL", "redis://db:1,", "= *** " + redis},
		{"REDIS_URL", "db:6379", "= *** " + redis},
		{"CORS_ORIGINS", "localhost:3000", `= "localhost:3000" ` + origin},
		{"CORS_ORIGINS", "http://a,http://b/path", `= "http://a,http://b/path" ` + origin},
		{"TRUSTED_PROXIES", "proxy", `= "proxy" ` + proxy},
		{"TRUSTED_PROXIES", "10.0.0.0/33", `= "10.0.0.0/33" ` + proxy},
		{"TRUSTED_PROXIES", "10.0.0.1,", `= "10.0.0.1," ` + proxy},
		{"TRUSTED_PROXIES", "fe80::1%eth0", `= "fe80::1%eth0" ` + proxy},
		{"TRUSTED_PROXIES", "::ffff:10.0.0.0/95", `= "::ffff:10.0.0.0/95" ` + proxy},
		{"MAX_CONNECTIONS", "0", `= "0" is not a number from 1 to 1000000`},
		{"MAX_CONNECTIONS", "1e3", `= "1e3" is not a number from 1 to 1000000`},
		{"RATE_LIMIT", "10", `= "10" ` + limit},
		{"RATE_LIMIT", "0/s", `= "0/s" ` + limit},
		{"RATE_LIMIT", "-1/s", `= "-1/s" ` + limit},
		{"RATE_LIMIT", "1000001/s", `= "1000001/s" ` + limit},
		{"RATE_LIMIT", "10/d", `= "10/d" ` + limit},
		{"RATE_LIMIT", "10/s,5", `= "10/s,5" ` + limit},
		{"RATE_LIMIT", "10/s,burst=0", `= "10/s,burst=0" ` + limit},
		{"RATE_LIMIT", "Off", `= "Off" ` + limit},
		{"RATE_LIMIT", "1/s,bytes=8MB/h", `= "1/s,bytes=8MB/h" ` + limit},
		{"RATE_LIMIT", "1/s,bytes=8MiB", `= "1/s,bytes=8MiB" ` + limit},
		{"RATE_LIMIT", "1/s,bytes=0B/h", `= "1/s,bytes=0B/h" ` + limit},
		{"RATE_LIMIT", "1/s,bytes=-1B/h", `= "1/s,bytes=-1B/h" ` + limit},
		{"RATE_LIMIT", "1/s,bytes=2147483647GiB/h", `= "1/s,bytes=2147483647GiB/h" ` + limit},
		{"RATE_LIMIT", "1/s,burst=1,burst=2", `= "1/s,burst=1,burst=2" ` + limit},
		{"LOG_LEVEL", "loud", `= "loud" is not debug, info, warn or error`},
		{"INSTANCE", "a b", `= "a b" is not a name of 1 to 64 letters, digits, points, underscores and hyphens`},
		{"DRAIN_DELAY", "3", `= "3" is not a duration from 0s to 1m, such as 5s`},
		{"DRAIN_DELAY", "61s", `= "61s" is not a duration from 0s to 1m, such as 5s`},
		{"DRAIN_TIMEOUT", "8", `= "8" is not a duration up to 1m, such as 8s`},
		{"DRAIN_TIMEOUT", "-1s", `= "-1s" is not a duration up to 1m, such as 8s`},
		{"WAIT", "soon", `= "soon" is not a duration such as 10s or 5m`},
		{"CHUNK", "ten", `= "ten" is not a whole number`},
		{"CHUNK", "-1", "must not be negative"},
		{"NEED", "", "must be set"},
	} {
		t.Run(tt.key+" "+tt.value, func(t *testing.T) {
			environ := map[string]string{"NEED": "x"}
			environ[tt.key] = tt.value
			_, err := web.Load[config](environ)
			if want := tt.key + " " + tt.want; err == nil || err.Error() != want {
				t.Fatalf("error = %v\nwant    %s", err, want)
			}
			if got := web.ExitCode(err); got != 2 {
				t.Errorf("exit code %d, want 2", got)
			}
		})
	}
}

func TestLoadNamesAllThatIsWrong(t *testing.T) {
	_, err := web.Load[config](map[string]string{"CHUNK": "x", "WAIT": "y"})
	for _, want := range []string{"CHUNK ", "WAIT ", "NEED "} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	cfg := config{EditKey: "hush", Need: "shown"}
	cfg.RedisURL = "redis://me:hush@db:1/2,rediss://:hush@db:2?password=hush&protocol=3"
	var text, js bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "config", cfg, "described", web.Describe(cfg))
	slog.New(slog.NewJSONHandler(&js, nil)).Info("x", "config", cfg)
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{text.String(), js.String(), string(encoded), fmt.Sprintf("%v %+v %#v %x", cfg, cfg, cfg, cfg.EditKey)} {
		if strings.Contains(got, "hush") || strings.Contains(got, "68757368") || !strings.Contains(got, "shown") {
			t.Errorf("printed as %s", got)
		}
	}
	if want := "redis://me:***@db:1/2,rediss://:***@db:2?password=***&protocol=3"; cfg.RedisURL.String() != want {
		t.Errorf("URL %s, want %s", cfg.RedisURL, want)
	}
	if want := "described.REDIS_URL="; !strings.Contains(text.String(), want) {
		t.Errorf("log has no %s: %s", want, text.String())
	}
}

func TestInstanceOr(t *testing.T) {
	if got, err := web.Instance("posts-0").Or(5001); err != nil || got != "posts-0" {
		t.Errorf("%q, %v", got, err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	if got, err := web.Instance("").Or(5001); err != nil || string(got) != host+"-5001" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNewLogger(t *testing.T) {
	var out bytes.Buffer
	log := web.NewLogger(&out, "posts", slog.LevelWarn)
	log.Info("no")
	log.Warn("yes")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got["service"] != "posts" || got["msg"] != "yes" {
		t.Errorf("log = %s (%v)", out.String(), err)
	}
}
