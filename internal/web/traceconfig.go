package web

import (
	"errors"
	"net/url"
	"strings"
)

// TraceConfig says whether and how traces leave the service, by the variables that
// OpenTelemetry has for it. What else it has variables for (headers, time-outs,
// certificates, sampling, the batches) its SDK reads by itself.
type TraceConfig struct {
	TracesDisabled bool          `env:"OTEL_SDK_DISABLED"`
	TracesExporter TraceExporter `env:"OTEL_TRACES_EXPORTER"`
	OTLPEndpoint   OTLPEndpoint  `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	TracesEndpoint OTLPEndpoint  `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	OTLPProtocol   OTLPProtocol  `env:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	TracesProtocol OTLPProtocol  `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	// TracesService is the name under which the service's spans are found; its own
	// if empty.
	TracesService string `env:"OTEL_SERVICE_NAME"`
}

// On reports whether there are to be traces: if a place is named to send them to,
// or the exporter asked for by name.
func (c TraceConfig) On() bool {
	named := c.OTLPEndpoint != "" || c.TracesEndpoint != "" || c.TracesExporter == exporterOTLP
	return named && !c.TracesDisabled && c.TracesExporter != exporterNone
}

// GRPC reports whether traces are sent by gRPC, and not by HTTP.
func (c TraceConfig) GRPC() bool {
	if c.TracesProtocol != "" {
		return c.TracesProtocol == protocolGRPC
	}
	return c.OTLPProtocol == protocolGRPC
}

// TraceExporter is otlp or none.
type TraceExporter string

const (
	exporterOTLP TraceExporter = "otlp"
	exporterNone TraceExporter = "none"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *TraceExporter) UnmarshalText(text []byte) error {
	*e = TraceExporter(text)
	if *e != exporterOTLP && *e != exporterNone {
		return errors.New("is not otlp or none")
	}
	return nil
}

// OTLPProtocol is http/protobuf or grpc.
type OTLPProtocol string

const (
	protocolHTTP OTLPProtocol = "http/protobuf"
	protocolGRPC OTLPProtocol = "grpc"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *OTLPProtocol) UnmarshalText(text []byte) error {
	*p = OTLPProtocol(text)
	if *p != protocolHTTP && *p != protocolGRPC {
		return errors.New("is not http/protobuf or grpc")
	}
	return nil
}

// OTLPEndpoint is where a collector is: http://host:port or https://host:port.
type OTLPEndpoint string

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *OTLPEndpoint) UnmarshalText(text []byte) error {
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return errors.New("is not a URL such as http://localhost:4318")
	}
	*e = OTLPEndpoint(text)
	return nil
}
