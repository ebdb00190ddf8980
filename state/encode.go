package state

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"holdfast/internal/document"
	"holdfast/internal/natural"
	"holdfast/internal/schema"
)

// EncodeOption changes what EncodeYAML and EncodeJSON write.
type EncodeOption func(*encoding)

type encoding struct {
	showSecrets bool
}

// ShowSecrets writes secrets instead of HiddenSecret.
func ShowSecrets() EncodeOption { return func(e *encoding) { e.showSecrets = true } }

// EncodeYAML writes s as YAML in nmstate's order of keys: interfaces by name
// (eth2 before eth10), routes and rules sorted. States that mean the same give
// the same bytes whatever the order of those lists. Secrets are hidden unless
// asked for. s is not changed.
func EncodeYAML(s *State, opts ...EncodeOption) []byte {
	n := encode(s, opts)
	return document.AppendYAML(make([]byte, 0, 256+200*len(s.Interfaces)), &n)
}

// EncodeJSON writes s as JSON, otherwise like EncodeYAML.
func EncodeJSON(s *State, opts ...EncodeOption) []byte {
	n := encode(s, opts)
	return document.AppendJSON(make([]byte, 0, 256+400*len(s.Interfaces)), &n)
}

func encode(s *State, opts []EncodeOption) document.Node {
	var e encoding
	for _, opt := range opts {
		opt(&e)
	}
	return schema.Encode(canonical(s, e.showSecrets), e.showSecrets)
}

// canonical returns a copy of s with its lists sorted.
func canonical(s *State, showSecrets bool) *State {
	c := *s
	c.Interfaces = make([]*Interface, len(s.Interfaces))
	for k, i := range s.Interfaces {
		c.Interfaces[k] = i
		if !showSecrets {
			c.Interfaces[k] = hideSecrets(i)
		}
	}
	slices.SortStableFunc(c.Interfaces, compareInterfaces)
	if s.Routes != nil {
		c.Routes = &Routes{
			Running: sorted(s.Routes.Running, compareRoutes),
			Config:  sorted(s.Routes.Config, compareRoutes),
		}
	}
	if s.Rules != nil {
		c.Rules = &Rules{Config: sorted(s.Rules.Config, compareRules)}
	}
	return &c
}

// sorted returns a sorted copy of a list; nil stays nil. Elements that the
// order does not tell apart are put in the order of their own YAML.
func sorted[T any](list []*T, compare func(a, b *T) int) []*T {
	c := slices.Clone(list)
	slices.SortStableFunc(c, func(a, b *T) int {
		if order := compare(a, b); order != 0 {
			return order
		}
		return bytes.Compare(encodeOne(a), encodeOne(b))
	})
	return c
}

func encodeOne(v any) []byte {
	n := schema.Encode(v, true)
	return document.AppendYAML(nil, &n)
}

func compareInterfaces(a, b *Interface) int {
	return cmp.Or(natural.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
}

// compareRoutes orders routes by table, destination, metric and next hop.
func compareRoutes(a, b *Route) int {
	return cmp.Or(
		comparePointers(a.TableID, b.TableID, cmp.Compare),
		comparePrefixes(a.Destination, b.Destination),
		comparePointers(a.Metric, b.Metric, cmp.Compare),
		comparePointers(a.NextHopInterface, b.NextHopInterface, natural.Compare),
		comparePointers(a.NextHopAddress, b.NextHopAddress, netip.Addr.Compare),
	)
}

// compareRules orders rules as the kernel runs through them.
func compareRules(a, b *Rule) int {
	return cmp.Or(
		comparePointers(a.Priority, b.Priority, cmp.Compare),
		cmp.Compare(a.Family, b.Family),
		comparePrefixes(a.IPFrom, b.IPFrom),
		comparePrefixes(a.IPTo, b.IPTo),
		comparePointers(a.RouteTable, b.RouteTable, cmp.Compare),
	)
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// comparePointers puts what was not mentioned first.
func comparePointers[T any](a, b *T, compare func(a, b T) int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return compare(*a, *b)
}
