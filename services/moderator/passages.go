package moderator

import (
	"slices"
	"strings"
	"unicode/utf8"

	"newsfeed/internal/markdown"
)

// inMarkup is the doubt about a match that only one of two ways to read the
// text's markup has.
const inMarkup = "the text may be shown so, by its markup or its direction"

// evidence is what rules about texts and links are matched against.
type evidence struct {
	texts []string // cleaned
	links int
	hosts []string // as host returns them
}

// passages collects the ways in which a text can be read.
type passages struct {
	certain, doubtful []string // cleaned
}

// add adds a text, unless that is how it was read already. Words that a reader may
// see only where the paragraph runs from right to left are doubtful.
func (p *passages) add(text string, doubtful bool) {
	p.addCleaned(clean(text), doubtful)
	if strings.ContainsAny(text, bidiMarks) {
		p.addCleaned(clean(inVisualOrder(text, leftToRight)), doubtful)
		p.addCleaned(clean(inVisualOrder(text, rightToLeft)), true)
	}
}

func (p *passages) addCleaned(text string, doubtful bool) {
	switch {
	case text == "" || slices.Contains(p.certain, text):
	case !doubtful:
		p.certain = append(p.certain, text)
	case !slices.Contains(p.doubtful, text):
		p.doubtful = append(p.doubtful, text)
	}
}

// passagesOf returns the ways in which the content and the name can be read.
func passagesOf(t Text, r markdown.Reading) passages {
	var p passages
	p.add(t.Content, false)
	for _, text := range r.Visible {
		p.add(text, false)
	}
	p.add(t.Author, false)
	p.add(r.Stripped, true)
	return p
}

// isLong reports whether a text is too long for patterns; NFKC makes up to 18
// characters of one.
func (p passages) isLong() bool {
	return slices.ContainsFunc(slices.Concat(p.certain, p.doubtful), func(text string) bool {
		return len(text) > maxPatterned && utf8.RuneCountInString(text) > maxPatterned
	})
}

// linksOf returns how many links the text has and, if that is asked, the hosts that
// they lead to: those that are written in the source and the name, and those that
// the web app makes. A suspicion is what may be another way to read the markup.
func linksOf(t Text, r markdown.Reading, hosts bool) (certain, suspected evidence) {
	written := [2]int{}
	for i, text := range []string{t.Content, t.Author} {
		cleaned := clean(text)
		if !mayLink(cleaned) {
			continue
		}
		folded := fold(cleaned)
		written[i] = countLinks(folded)
		if hosts {
			for _, name := range linkHosts(folded) {
				certain.hosts = append(certain.hosts, host(name))
			}
		}
	}
	certain.links = max(written[0], len(r.Targets)) + written[1]
	suspected.links = max(written[0], len(r.Targets)+len(r.Suspected)) + written[1]
	if hosts {
		certain.hosts = append(certain.hosts, hostsOf(r.Targets)...)
		suspected.hosts = hostsOf(r.Suspected)
	}
	return certain, suspected
}

func hostsOf(targets []markdown.Target) []string {
	var hosts []string
	for _, target := range targets {
		for _, name := range target.Hosts {
			hosts = append(hosts, host(name))
		}
	}
	return hosts
}

// host returns the form in which hosts are compared: without "www." before it.
func host(name string) string { return strings.TrimPrefix(markdown.Host(name), "www.") }

// reading returns how the content is read, which is found once.
func (t *Text) reading() markdown.Reading {
	if t.read == nil {
		t.read = new(markdown.Read(t.Content))
	}
	return *t.read
}
