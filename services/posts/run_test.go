package posts

import (
	"fmt"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"": "<nil>", strings.Repeat("k", 32): "<nil>", strings.Repeat("k", 31): "EDIT_KEY = *** must have 32 bytes or more in each value", "s3cr3t": "EDIT_KEY = *** must have 32 bytes or more in each value",
	} {
		_, err := web.Load[Config](map[string]string{"EDIT_KEY": key})
		if got := fmt.Sprint(err); got != want {
			t.Errorf("a key of %d bytes: %s, want %s", len(key), got, want)
		}
	}
}
