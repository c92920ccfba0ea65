package web

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// ConfigError is a configuration with which a service cannot start. It is one
// line.
type ConfigError struct {
	Variable string // such as LISTEN_ADDR
	Err      error  // goes on where the name ends: "must be set"
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Variable + " " + e.Err.Error() }

// Unwrap gives what is wrong with the variable.
func (e *ConfigError) Unwrap() error { return e.Err }

// ExitCode is the code with which the process is to end; see [ExitCode].
func (e *ConfigError) ExitCode() int { return exitConfig }

// Load fills a T, whose fields say `env:"NAME"` and `envDefault:"…"` as package
// caarlos0/env has it, from the variables in environ. An empty variable is as
// none. A NAME that [IsSecret] can come from the file that NAME_FILE names
// instead. If T has Validate() error, that has the last word. The error joins a
// [ConfigError] for each variable that is wrong and shows no secret.
func Load[T any](environ map[string]string) (T, error) {
	var cfg, zero T
	known := variables(reflect.TypeFor[T]())
	given, err := readSecretFiles(environ, known)
	if err != nil {
		return zero, err
	}
	if err := env.ParseWithOptions(&cfg, env.Options{Environment: given}); err != nil {
		return zero, explain(err, given, known)
	}
	if v, ok := any(&cfg).(Validator); ok {
		if err := v.Validate(); err != nil {
			return zero, err
		}
	}
	return cfg, nil
}

// Describe lists the variables of a configuration and their values, for the log
// line at the start. Secrets are hidden.
func Describe(cfg any) slog.Value {
	value := reflect.ValueOf(cfg)
	var attrs []slog.Attr
	for _, v := range variables(value.Type()) {
		attrs = append(attrs, slog.String(v.key, fmt.Sprint(value.FieldByIndex(v.field.Index).Interface())))
	}
	return slog.GroupValue(attrs...)
}

// variable is an environment variable and the field that it sets.
type variable struct {
	key   string
	field reflect.StructField
}

func (v variable) secret() bool {
	return IsSecret(v.field.Type)
}

// IsSecret reports whether values of type t are secrets, which can come from files.
func IsSecret(t reflect.Type) bool {
	return slices.Contains([]reflect.Type{
		reflect.TypeFor[Secret](), reflect.TypeFor[Tokens](), reflect.TypeFor[Keys](), reflect.TypeFor[RedisURL](),
	}, t)
}

func variables(t reflect.Type) []variable {
	var all []variable
	for _, f := range reflect.VisibleFields(t) {
		if key, _, _ := strings.Cut(f.Tag.Get("env"), ","); key != "" && key != "-" {
			all = append(all, variable{key, f})
		}
	}
	return all
}

// readSecretFiles returns environ without empty variables and with the secrets
// that are in files. The line end that editors put behind them is cut off.
func readSecretFiles(environ map[string]string, known []variable) (map[string]string, error) {
	given := maps.Clone(environ)
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	for _, v := range known {
		path := given[v.key+"_FILE"]
		if !v.secret() || path == "" {
			continue
		}
		if _, both := given[v.key]; both {
			return nil, &ConfigError{v.key, fmt.Errorf("and %s_FILE are both set, only one can be", v.key)}
		}
		text, err := os.ReadFile(path) //nolint:gosec // the operator's own choice of file
		if err != nil {
			return nil, &ConfigError{v.key + "_FILE", fmt.Errorf("cannot be read: %w", err)}
		}
		secret := strings.TrimRight(string(text), "\r\n")
		if secret == "" {
			return nil, &ConfigError{v.key + "_FILE", fmt.Errorf("names an empty file: %s", path)}
		}
		given[v.key] = secret
	}
	return given, nil
}

// explain turns the library's errors, which name fields and types of Go, into
// ones that name variables.
func explain(err error, given map[string]string, known []variable) error {
	list, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var lines []error
	for _, e := range list.Errors {
		lines = append(lines, explainOne(e, given, known))
	}
	return errors.Join(lines...)
}

func explainOne(err error, given map[string]string, known []variable) error {
	if unset, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return &ConfigError{unset.Key, errors.New("must be set")}
	}
	if empty, ok := errors.AsType[env.EmptyVarError](err); ok {
		return &ConfigError{empty.Key, errors.New("must be set")}
	}
	parse, ok := errors.AsType[env.ParseError](err)
	if !ok {
		return err
	}
	for _, v := range known {
		if v.field.Name != parse.Name {
			continue
		}
		shown := fmt.Sprintf("%q", given[v.key])
		if v.secret() {
			shown = hidden
		}
		return &ConfigError{v.key, fmt.Errorf("= %s %s", shown, expected(v.field.Type, parse.Err))}
	}
	return err
}

// expected says what a variable of type t must be. A type that reads itself
// says so in its error.
func expected(t reflect.Type, err error) string {
	switch {
	case t == reflect.TypeFor[slog.Level]():
		return "is not debug, info, warn or error"
	case t == reflect.TypeFor[time.Duration]():
		return "is not a duration such as 10s or 5m"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return err.Error()
	case t.Kind() == reflect.Bool:
		return "is not true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return "is not a whole number"
	default:
		return err.Error()
	}
}
