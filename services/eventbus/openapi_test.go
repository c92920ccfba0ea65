package eventbus

import (
	"testing"

	"newsfeed/internal/openapitest"
)

func TestRoutesAreDocumented(t *testing.T) {
	openapitest.Routes(t, "eventbus", api{}.routes)
}
