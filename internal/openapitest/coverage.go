package openapitest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Operations lists the operations of the document, such as "GET /posts".
func (d *Document) Operations() []string {
	var all []string
	for _, o := range d.operations {
		all = append(all, o.String())
	}
	slices.Sort(all)
	return all
}

func (d *Document) count(o *operation, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen[o.String()] == nil {
		d.seen[o.String()] = map[int]int{}
	}
	d.seen[o.String()][status]++
}

// Unseen lists the statuses of operations that [Document.Check] has not seen, such
// as "GET /posts 503". An operation without its success was not carried out.
func (d *Document) Unseen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, o := range d.operations {
		for text := range o.responses {
			// "default" is for what is not to be seen.
			if status, err := strconv.Atoi(text); err == nil && d.seen[o.String()][status] == 0 {
				all = append(all, o.String()+" "+text)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Summary says for each operation which of its statuses were seen how often.
func (d *Document) Summary() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, o := range d.operations {
		fmt.Fprintf(&b, "%s %s:", d.service, o)
		seen := d.seen[o.String()]
		for _, status := range slices.Sorted(maps.Keys(seen)) {
			fmt.Fprintf(&b, " %d×%d", seen[status], status)
		}
		b.WriteString("\n")
	}
	return b.String()
}
