package event

import (
	"embed"
	"slices"
)

//go:embed schema/*.json
var schemas embed.FS

// Schema returns the JSON Schema (draft 2020-12) of what events of type typ
// carry as data, and false for a type that the vocabulary does not have. Each
// schema is whole in itself, so that other documents can take it in as it is.
func Schema(typ string) ([]byte, bool) {
	if !slices.Contains(Types(), typ) {
		return nil, false
	}
	text, err := schemas.ReadFile("schema/" + typ + ".json")
	return text, err == nil
}

// EnvelopeSchema returns the JSON Schema of an event as it is on HTTP.
func EnvelopeSchema() []byte {
	// The name is embedded with the file: it cannot fail.
	text, _ := schemas.ReadFile("schema/envelope.json")
	return text
}
