package query

import (
	"testing"

	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "query", api{live: &live{}}.routes)
}
