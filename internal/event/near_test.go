package event_test

import (
	"encoding/json"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// member is one member of a JSON object, its value as JSON text.
type member struct{ name, value string }

func object(members []member) string {
	parts := make([]string, 0, len(members))
	for _, m := range members {
		name, err := json.Marshal(m.name)
		if err != nil {
			panic(err)
		}
		parts = append(parts, string(name)+":"+m.value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// nearly draws an object like the valid one, in another order and with unknown
// members. Each of its own it keeps, mostly, or treats in one of the ways: "drop"
// it, "change" its value, or name it "twice", of which the last counts.
func nearly(t *rapid.T, valid []member, unknown []string, ways ...string) []member {
	ways = append([]string{"keep", "keep", "keep", "keep", "keep"}, ways...)
	var out []member
	for _, m := range rapid.Permutation(valid).Draw(t, "order") {
		switch rapid.SampledFrom(ways).Draw(t, m.name) {
		case "keep":
			out = append(out, m)
		case "change":
			out = append(out, member{m.name, anyValue().Draw(t, "value")})
		case "twice":
			out = append(out, m, member{m.name, anyValue().Draw(t, "value")})
		}
	}
	for _, name := range rapid.SliceOfN(rapid.SampledFrom(unknown), 0, 2).Draw(t, "extra") {
		out = append(out, member{name, anyValue().Draw(t, "value")})
	}
	return out
}

// edgeValues are JSON texts at the edges of what a member may be. Not among them,
// because the two sides are right to differ: numbers with more digits than a
// double holds, such as 1.00000000000000000001, which Decode rounds as
// JavaScript does.
func edgeValues() []string {
	values := []string{
		`null`, `true`, `[]`, `{}`, `["a"]`, `{"id":"a"}`, `""`, `"9f2b"`, `"7"`,
		`0`, `-0`, `-1`, `1`, `7`, `1.5`, `2.0`, `2.50e1`, `3e0`, `-1e0`, `1e30`, `-1e30`, `1e400`, `1e-400`, `0.1e1`,
		`9007199254740991`, `9007199254740991.0`, `9007199254740992`, `9223372036854775807`, `9223372036854775808`,
		`"pending"`, `"approved"`, `"rejected"`, `"flagged"`, `"Approved"`, `"approved "`,
		`"all"`, `"stream"`, `"All"`, `"a b"`, `"a\n"`, `"a/b"`, `"é"`, `"\u0000"`, `"\ud800"`, `"\u0061"`,
		`"` + strings.Repeat("x", 128) + `"`, `"` + strings.Repeat("x", 129) + `"`,
	}
	parts := timeParts()
	for i, choices := range parts {
		for j := range choices {
			s := ""
			for k := range parts {
				if k == i {
					s += parts[k][j]
				} else {
					s += parts[k][0]
				}
			}
			values = append(values, `"`+s+`"`)
		}
	}
	return values
}

// timeParts are what a time is put together from: year, day, separator, time,
// fraction, zone; the first of each is good. Where package time and the validator
// differ (leap seconds and lower-case t and z, which only the validator takes;
// commas, short hours and long offsets, which only package time takes) the
// pattern, which is in both the schemas and Decode, refuses all.
func timeParts() [6][]string {
	return [6][]string{
		{"2024", "2023", "2000", "1900", "0001", "0000", "9999", "10000", "-001", "99"},
		{"-12-31", "-01-01", "-02-28", "-02-29", "-02-30", "-04-31", "-13-01", "-00-10", "-10-00", "-1-1", "0101"},
		{"T", "t", " ", ""},
		{"23:59:59", "00:00:00", "12:30:59", "23:59:60", "12:00:60", "12:00:61", "24:00:00", "23:60:00", "1:02:03", "12:30"},
		{"", ".5", ".123456789", ".1234567890123", ",5", "."},
		{"Z", "z", "", "+00:00", "-00:00", "+02:00", "-23:59", "+24:00", "+14:60", "+0200", "+02"},
	}
}

// anyValue draws a JSON text: one at an edge, something like a time, or any string.
func anyValue() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(edgeValues()),
		rapid.Custom(func(t *rapid.T) string {
			s := ""
			for _, choices := range timeParts() {
				// Good ones often, or hardly any would be a time.
				s += rapid.OneOf(rapid.Just(choices[0]), rapid.SampledFrom(choices)).Draw(t, "part")
			}
			return `"` + s + `"`
		}),
		rapid.Map(rapid.String(), func(s string) string { b, _ := json.Marshal(s); return string(b) }),
	)
}

// leavesTheYears reports a time that is well written but, in UTC, outside the
// years 1 to 9999. The schema counts digits and cannot say it ("0000-…" is a
// date to it); the code refuses it, because JSON could not carry it on.
func leavesTheYears(doc []byte, name string) bool {
	var members map[string]json.RawMessage
	var s string
	if json.Unmarshal(doc, &members) != nil || json.Unmarshal(members[name], &s) != nil {
		return false
	}
	t, err := time.Parse(time.RFC3339, s)
	return err == nil && (t.UTC().Year() < 1 || t.UTC().Year() > 9999)
}
