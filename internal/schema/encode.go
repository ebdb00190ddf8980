package schema

import (
	"errors"
	"reflect"
	"strconv"

	"holdfast/internal/document"
)

// Placeholder stands in place of a secret in what is shown. nmstate takes it
// in input for "the secret that is there".
const Placeholder = "<_password_hid_by_nmstate>"

// Encode builds the mapping of the struct that source points to, its keys in
// the order of the fields. Secrets are replaced by the Placeholder unless
// showSecrets is set.
func Encode(source any, showSecrets bool) document.Node {
	e := encoder{showSecrets: showSecrets}
	return e.structure(reflect.ValueOf(source).Elem())
}

// encoder is one writing of a document.
type encoder struct {
	showSecrets bool
	// scratch collects the pairs of the mappings that are still open.
	scratch []document.Node
}

// encodeFunc builds the node of a value that can be addressed, and reports
// whether it was mentioned at all.
type encodeFunc func(e *encoder, v reflect.Value) (document.Node, bool)

func (e *encoder) structure(v reflect.Value) document.Node {
	plan := planOf(v.Type())
	base := len(e.scratch)
	for i := range plan.fields {
		f := &plan.fields[i]
		n, ok := f.encode(e, member(v, f.index))
		if !ok {
			continue
		}
		if f.secret && !e.showSecrets {
			n = document.Text(Placeholder)
		}
		e.scratch = append(e.scratch, document.Text(f.key), n)
	}
	n := document.Node{Kind: document.Mapping}
	n.Items = append(make([]document.Node, 0, len(e.scratch)-base), e.scratch[base:]...)
	e.scratch = e.scratch[:base]
	return n
}

func isRangeError(err error) bool { return errors.Is(err, strconv.ErrRange) }
