package frontend

import "testing"

func TestFiles_Refusals_AreProblemDocuments(t *testing.T) {
	h := newServer(t, built(), Config{})
	for _, tt := range []struct {
		header, value string
		want          int
	}{
		{"Range", "bytes=99999999-", 416},
		{"Range", "nonsense=1", 416},
		{"If-Match", `"another"`, 412},
		{"If-Match", `"x", W/"y"`, 412},
	} {
		res := ask(h, "GET", "/", "Accept", wantsPage, tt.header, tt.value)
		if p := problem(t, res); res.status != tt.want || p.Status != tt.want || res.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s: %d %v %+v", tt.header, tt.value, res.status, res.header, p)
		}
	}
	if res := ask(h, "GET", "/", "Accept", wantsPage, "Range", "bytes=0-1"); res.status != 206 || len(res.body) != 2 {
		t.Errorf("a part: %d %q", res.status, res.body)
	}
}
