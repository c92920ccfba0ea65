package web

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// maxFieldErrors bounds the answer to a body that is wrong all over.
const maxFieldErrors = 20

// checkNames returns an [Invalid] that names the members of the JSON object body
// that are there twice or that t, the type to hold it, does not have. body must be
// valid JSON, which also bounds how deep it is.
func checkNames(body []byte, t reflect.Type) error {
	n := names{rest: body}
	n.value(t)
	return n.check.Err()
}

// names walks over a JSON value beside the type that is to hold it. That the value
// is valid saves it most of what a parser does.
type names struct {
	rest  []byte
	path  []string // of names and numbers to the value at which rest begins
	check Check
}

// value goes over one value. t is nil where any names may stand.
func (n *names) value(t reflect.Type) {
	switch n.next() {
	case '{':
		n.object(resolve(t))
	case '[':
		n.array(elem(resolve(t)))
	case '"':
		n.quoted()
	default: // a number or a word, within an object or array
		n.rest = n.rest[bytes.IndexAny(n.rest, ",]} \t\r\n"):]
	}
}

// next returns the byte that the next token begins with.
func (n *names) next() byte {
	n.rest = bytes.TrimLeft(n.rest, " \t\r\n")
	return n.rest[0]
}

// more goes over the byte before a member or element and reports whether there is
// one: if that byte is end, there is not.
func (n *names) more(end byte) bool {
	c := n.next()
	if c == '{' || c == '[' || c == ',' {
		n.rest = n.rest[1:]
		c = n.next()
	}
	if c == end {
		n.rest = n.rest[1:]
	}
	return c != end
}

func (n *names) object(t reflect.Type) {
	known := fields(t)
	seen := map[string]bool{}
	for n.more('}') {
		name := n.name()
		n.path = append(n.path, name)
		typ, ok := known[name]
		switch {
		case seen[name]:
			n.add("is there twice")
		case !ok && known != nil:
			n.add("is not known")
		case known == nil:
			typ = elem(t)
		}
		seen[name] = true
		n.next() // is a colon
		n.rest = n.rest[1:]
		n.value(typ)
		n.path = n.path[:len(n.path)-1]
	}
}

func (n *names) array(t reflect.Type) {
	for i := 0; n.more(']'); i++ {
		n.path = append(n.path, strconv.Itoa(i))
		n.value(t)
		n.path = n.path[:len(n.path)-1]
	}
}

// quoted goes over a string and returns it, quotes included.
func (n *names) quoted() []byte {
	end := 1
	for n.rest[end] != '"' {
		if n.rest[end] == '\\' {
			end++
		}
		end++
	}
	raw := n.rest[:end+1]
	n.rest = n.rest[end+1:]
	return raw
}

// name goes over the name of a member and returns it.
func (n *names) name() string {
	raw := n.quoted()
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is valid
	return s
}

// escapes writes a name as a part of a JSON pointer.
var escapes = strings.NewReplacer("~", "~0", "/", "~1")

func (n *names) add(detail string) {
	if len(n.check.fields) == maxFieldErrors {
		return
	}
	var pointer strings.Builder
	for _, name := range n.path {
		pointer.WriteString("/" + escapes.Replace(name))
	}
	n.check.Add(pointer.String(), detail)
}

// resolve follows pointers, and returns nil for a type that decodes itself.
func resolve(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	return t
}

// elem is the type of what an array or map holds, nil if it holds anything.
func elem(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return t.Elem()
	default:
		return nil
	}
}

// fieldsOf remembers what fields has found; there are as many types as routes that
// take a body.
var fieldsOf sync.Map // of reflect.Type to map[string]reflect.Type

// fields are the JSON names of a struct and their types, nil for other types.
func fields(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if found, ok := fieldsOf.Load(t); ok {
		known, _ := found.(map[string]reflect.Type) // nothing else is stored
		return known
	}
	byName := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		if !f.IsExported() || tag == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		byName[name] = f.Type
	}
	fieldsOf.Store(t, byName)
	return byName
}
