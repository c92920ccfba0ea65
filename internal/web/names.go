package web

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// maxFieldErrors bounds the answer to a body that is wrong all over.
const maxFieldErrors = 20

// checkNames returns an [Invalid] that names the members of the JSON value body
// that are there twice or that t, the type to hold the value, does not have.
// body must be valid JSON, which also bounds how deep it is.
func checkNames(body []byte, t reflect.Type) error {
	n := names{dec: json.NewDecoder(bytes.NewReader(body))}
	n.dec.UseNumber() // a number too large for its type is not about its name
	if err := n.value(t, ""); err != nil {
		return err
	}
	return n.check.Err()
}

// names walks the tokens of a JSON value beside the type that is to hold it.
type names struct {
	dec   *json.Decoder
	check Check
}

// value reads one value, which stands at the JSON pointer at. t is nil where
// any names may stand.
func (n *names) value(t reflect.Type, at string) error {
	token, err := n.dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return n.object(resolve(t), at)
	case json.Delim('['):
		return n.array(resolve(t), at)
	default:
		return nil
	}
}

func (n *names) object(t reflect.Type, at string) error {
	known := fields(t)
	seen := map[string]bool{}
	for n.dec.More() {
		token, err := n.dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // a valid object has nothing else here
		pointer := at + "/" + escape(name)
		typ, ok := known[name]
		switch {
		case seen[name]:
			n.add(pointer, "is there twice")
		case !ok && known != nil:
			n.add(pointer, "is not known")
		case known == nil:
			typ = elem(t)
		}
		seen[name] = true
		if err := n.value(typ, pointer); err != nil {
			return err
		}
	}
	_, err := n.dec.Token()
	return err
}

// escape writes a name as a part of a JSON pointer. Nearly none has to be changed.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (n *names) array(t reflect.Type, at string) error {
	for i := 0; n.dec.More(); i++ {
		if err := n.value(elem(t), at+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	_, err := n.dec.Token()
	return err
}

func (n *names) add(pointer, detail string) {
	if len(n.check.fields) < maxFieldErrors {
		n.check.Add(pointer, detail)
	}
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

// fields are the JSON names of a struct and their types, nil for other types.
func fields(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
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
	return byName
}
