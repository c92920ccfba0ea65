package frontend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const (
	connectTimeout = 2 * time.Second
	// answerTimeout is more than any service waits, and less than web.Serve
	// gives an answer, so that the client still learns of it.
	answerTimeout = 20 * time.Second
	// idleTimeout is less than the services keep connections, so that none is
	// used in the moment in which its service closes it.
	idleTimeout = 60 * time.Second
	// idlePerHost and not the usual 2: there are only these few hosts.
	idlePerHost = 64
	streamWrite = 10 * time.Second
	// retryAfter is when a service that is down may be back.
	retryAfter = 2 * time.Second

	forwardedHeader = "X-Forwarded-For"
	forwardedHost   = "X-Forwarded-Host"
	// hearsayHeader has the name that Kubernetes' ingress-nginx gives to an
	// X-Forwarded-For that it does not believe.
	hearsayHeader   = "X-Original-Forwarded-For"
	requestIDHeader = "X-Request-Id"
)

// proxy passes /api/<service>/… on to the service, which alone decides on
// methods, sizes and rights.
type proxy struct {
	log       *slog.Logger
	services  map[string]*url.URL
	transport *http.Transport
	reverse   *httputil.ReverseProxy
	// streamWrite is how long one write to a stream's client may take.
	streamWrite time.Duration
	// streams bounds how many streams are passed on.
	streams *web.Streams
}

// streamsOf leaves half of the connections to all that is no stream. One client may
// have an eighth of that, a wider network up to half. The services' own limits are
// lower unless they are raised.
func streamsOf(cfg Config, log *slog.Logger) *web.Streams {
	connections := int(cfg.MaxConnections)
	if connections == 0 {
		connections = web.DefaultConnections
	}
	total := max(1, connections/2)
	return web.NewStreams(log, web.StreamOptions{Total: total, PerAddress: max(1, total/8)})
}

func newProxy(cfg Config, log *slog.Logger) *proxy {
	p := &proxy{log: log, services: map[string]*url.URL{}, streamWrite: streamWrite, streams: streamsOf(cfg, log)}
	for name, u := range map[string]Upstream{
		event.Posts: cfg.PostsURL, event.Comments: cfg.CommentsURL, event.Moderator: cfg.ModeratorURL,
		event.Query: cfg.QueryURL, event.EventBus: cfg.EventBusURL,
	} {
		if parsed, err := url.Parse(string(u)); err == nil { // Upstream has seen to it
			p.services[name] = parsed
		}
	}
	p.transport = &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   idlePerHost,
		DisableCompression:    true, // pass on what is, compressed or not
	}
	p.reverse = &httputil.ReverseProxy{
		Rewrite: rewrite, Transport: p.transport, FlushInterval: -1,
		ModifyResponse: yield, ErrorHandler: p.failed,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // broken connections; failed has the rest
	}
	return p
}

// close ends the connections that wait to be used.
func (p *proxy) close() { p.transport.CloseIdleConnections() }

// passing is what is known of a request on its way.
type passing struct {
	target *url.URL
	to     http.ResponseWriter
	body   *clientBody
}

// clientBody remembers what was wrong with the body that the client sends, to
// tell its faults from the service's.
type clientBody struct {
	io.ReadCloser
	fault atomic.Pointer[error]
}

// Read implements [io.Reader].
func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.fault.Store(&err)
	}
	return n, err
}

type passingKey struct{}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) error {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	service, ok := p.services[name]
	if !ok || rest == "" || isInternal(rest) {
		return fmt.Errorf("%w: %.140q is no service's path", web.ErrNotFound, r.URL.Path)
	}
	web.NameRoute(w, "/api/"+name+"/*")
	if name == event.EventBus { // it has nothing for the public
		if err := web.TokenOrLocal(r); err != nil {
			return err
		}
	}
	target := *service
	var err error
	if target.Path, err = url.PathUnescape("/" + rest); err != nil {
		return fmt.Errorf("%w: the path is malformed", web.ErrInvalid)
	}
	target.RawPath = "/" + rest // a slash within an id stays within it
	target.RawQuery = r.URL.RawQuery

	ctx := r.Context()
	if web.IsStream(r) {
		leave, err := p.streams.Admit(r)
		if err != nil {
			return err
		}
		defer leave()
		longer, cancel, err := web.LongLived(w, r)
		if err != nil {
			return err
		}
		defer cancel()
		ctx, w = longer, &streamWriter{w, http.NewResponseController(w), p.streamWrite}
	}
	body := &clientBody{ReadCloser: r.Body}
	out := r.WithContext(context.WithValue(ctx, passingKey{}, passing{&target, w, body}))
	if r.ContentLength != 0 { // else there is none, and it must be seen that there is none
		out.Body = body
	}
	p.reverse.ServeHTTP(w, out)
	return nil
}

// isInternal reports whether a path is for those who run the services, and who
// reach them without going through the page.
func isInternal(rest string) bool {
	return slices.Contains([]string{"livez", "readyz", "metrics"}, rest)
}

// rewrite makes of the request that came in the one that goes out.
func rewrite(pr *httputil.ProxyRequest) {
	p, _ := pr.In.Context().Value(passingKey{}).(passing)
	pr.Out.URL = p.target
	// The services tell by Host and addresses who may use what is guarded.
	pr.Out.Host = pr.In.Host
	trusted := web.Proxied(pr.In)
	if trusted { // from anybody else it is hearsay
		pr.Out.Header[forwardedHeader] = slices.Clone(pr.In.Header[forwardedHeader])
	}
	pr.SetXForwarded()
	if web.ToLocalhost(pr.In) {
		relayForwarding(pr, trusted)
	}
	pr.Out.Header.Set(requestIDHeader, web.RequestID(pr.In.Context()))
	// No service speaks another protocol.
	pr.Out.Header.Del("Connection")
	pr.Out.Header.Del("Upgrade")
}

// relayForwarding passes on what proxies before this one have said. ReverseProxy
// takes it away, and what Connection lists as well, but the guards of the services
// must see it: of a request to localhost they ask whether anyone else is named.
func relayForwarding(pr *httputil.ProxyRequest, trusted bool) {
	for name, values := range pr.In.Header {
		switch {
		case name == forwardedHeader && trusted || name == "X-Forwarded-Proto": // is there
		case name == forwardedHeader:
			pr.Out.Header[hearsayHeader] = append(slices.Clone(pr.In.Header[hearsayHeader]), values...)
		case name == forwardedHost:
			pr.Out.Header[name] = append(slices.Clone(values), pr.In.Host)
		case name == hearsayHeader:
			pr.Out.Header[name] = append(slices.Clone(values), pr.In.Header[forwardedHeader]...)
		case web.IsForwarding(name) || name == "Origin":
			pr.Out.Header[name] = slices.Clone(values)
		}
	}
}

// yield takes back those headers of the answer that the service has its own
// of: each is to be there once.
func yield(res *http.Response) error {
	p, _ := res.Request.Context().Value(passingKey{}).(passing)
	for name := range res.Header {
		p.to.Header().Del(name)
	}
	return nil
}

// failed answers where the service did not.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	passing, _ := r.Context().Value(passingKey{}).(passing)
	fault := passing.body.fault.Load()
	switch {
	case fault != nil && errors.Is(*fault, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w: the body did not come in time", web.ErrSlow)
	case fault != nil:
		err = fmt.Errorf("%w: the body ends before its end", web.ErrInvalid)
	case !errors.Is(r.Context().Err(), context.Canceled):
		err = web.RetryIn(retryAfter, err)
	default:
		err = context.Canceled // the client has gone, whatever broke first
	}
	web.WriteError(w, r, p.log, err)
}

// streamWriter gives every write to a client its own time: the stream as a whole
// has none, and a client that does not read must not hold it for ever.
type streamWriter struct {
	http.ResponseWriter
	rc    *http.ResponseController
	limit time.Duration
}

// Write implements [io.Writer].
func (w *streamWriter) Write(b []byte) (int, error) {
	// A writer that is no connection, as in tests, has no limit to set.
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.limit))
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
