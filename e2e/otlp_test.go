package e2e

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// span is one that a receiver has got.
type span struct {
	service, name     string
	trace, id, parent string
	links             []string // traces
	kind              otlp.Span_SpanKind
	failed            bool
	attributes        map[string]string
}

// receiver is a collector that keeps what it gets (OTLP over HTTP, protobuf).
type receiver struct {
	*httptest.Server

	mu    sync.Mutex
	spans []span
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s %s (%v)", req.Method, req.URL, err)
		}
		r.take(&sent)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(sent *collector.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, from := range sent.GetResourceSpans() {
		service := textOf(from.GetResource().GetAttributes())["service.name"]
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				got := span{
					service: service, name: s.GetName(), kind: s.GetKind(), attributes: textOf(s.GetAttributes()),
					trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
					failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR,
				}
				for _, l := range s.GetLinks() {
					got.links = append(got.links, hex.EncodeToString(l.GetTraceId()))
				}
				r.spans = append(r.spans, got)
			}
		}
	}
}

func textOf(attributes []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		all[a.GetKey()] = a.GetValue().GetStringValue()
		if _, ok := a.GetValue().GetValue().(*common.AnyValue_IntValue); ok {
			all[a.GetKey()] = strconv.FormatInt(a.GetValue().GetIntValue(), 10)
		}
	}
	return all
}

// of returns the spans that are like it, as far as it says.
func (r *receiver) of(like span) []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []span
	for _, s := range r.spans {
		if (like.service == "" || like.service == s.service) && (like.name == "" || like.name == s.name) &&
			(like.trace == "" || like.trace == s.trace) && (like.parent == "" || like.parent == s.parent) && like.has(s) {
			found = append(found, s)
		}
	}
	return found
}

// has reports whether other has the attributes of s.
func (s span) has(other span) bool {
	for name, value := range s.attributes {
		if other.attributes[name] != value {
			return false
		}
	}
	return true
}

// traces are the traces that spans are of.
func tracesOf(spans []span) []string {
	var all []string
	for _, s := range spans {
		all = append(all, s.trace)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// settings are those with which processes send to the receiver.
func (r *receiver) settings() map[string]string {
	return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.URL, "OTEL_BSP_SCHEDULE_DELAY": "100"}
}
