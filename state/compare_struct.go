package state

import (
	"fmt"
	"reflect"
	"strings"

	"holdfast/internal/document"
)

// comparers compare what an interface is made of.
var comparers = []func(c *comparison, want, have *Interface){
	compareState,
	func(c *comparison, want, have *Interface) {
		if !unresolved(want.Type) && want.Type != have.Type && (want.Type != TypeEthernet || have.Type != TypeVeth) {
			c.add("type", string(want.Type), string(have.Type))
		}
	},
	compareMAC,
	func(c *comparison, want, have *Interface) { compareScalar(c, "mtu", want.MTU, have.MTU) },
	func(c *comparison, want, have *Interface) {
		compareScalar(c, "accept-all-mac-addresses", want.Promiscuous, have.Promiscuous)
	},
	func(c *comparison, want, have *Interface) {
		compareScalar(c, "controller", want.Controller, have.Controller)
	},
	compareAltNames,
	compareNotes,
	compareIPv4,
	compareIPv6,
	func(c *comparison, want, have *Interface) {
		compareSection(c, "ethernet", want.Ethernet, have.Ethernet)
	},
	func(c *comparison, want, have *Interface) { compareSection(c, "veth", want.Veth, have.Veth) },
	compareBond,
	compareVLAN,
	compareBridge,
	compareRaw,
}

func compareState(c *comparison, want, have *Interface) {
	switch want.State {
	case Down:
		c.text("state", string(Down), string(have.State))
	case Up, "":
		if have.State == Down || have.State == Absent {
			c.add("state", string(Up), string(have.State))
		}
	}
}

// compareMAC compares addresses; one that an interface was found by is no wish.
func compareMAC(c *comparison, want, have *Interface) {
	if want.MAC != "" && want.Identifier != ByMAC && !strings.EqualFold(string(want.MAC), string(have.MAC)) {
		c.add("mac-address", string(want.MAC), string(have.MAC))
	}
}

// compareScalar compares two values; nil is no wish, and not shown is the same
// as none, zero or off.
func compareScalar[T comparable](c *comparison, key string, want, have *T) {
	var none T
	if want != nil && *want != value(have, none) {
		c.add(key, fmt.Sprint(*want), shown(have))
	}
}

func shown[T any](p *T) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}

// compareSection compares two sections member by member. Read-only members do
// not count, and lists are compared whole.
func compareSection[T any](c *comparison, path string, want, have *T) {
	if want == nil || want == have {
		return
	}
	if have == nil {
		have = new(T)
	}
	c.members(path, reflect.ValueOf(want).Elem(), reflect.ValueOf(have).Elem())
}

func (c *comparison) members(path string, want, have reflect.Value) {
	for _, f := range schemaFields[want.Type()] {
		if w := want.Field(f.index); !f.readonly && !w.IsZero() {
			c.member(document.Join(path, f.key), w, have.Field(f.index))
		}
	}
}

func (c *comparison) member(path string, want, have reflect.Value) {
	switch {
	case want.Type() == rawType:
		c.raw(path, want.Interface().(Raw), have.Interface().(Raw))
		return
	case want.Kind() == reflect.Pointer:
		if have.IsNil() {
			have = reflect.Zero(have.Type().Elem())
		} else {
			have = have.Elem()
		}
		want = want.Elem()
	}
	if _, section := schemaFields[want.Type()]; section {
		c.members(path, want, have)
		return
	}
	if !equalValue(want, have) && (want.Kind() != reflect.Slice || want.Len()+have.Len() > 0) {
		c.add(path, valueText(want), valueText(have))
	}
}

func valueText(v reflect.Value) string { return fmt.Sprint(v.Interface()) }

func compareRaw(c *comparison, want, have *Interface) {
	for _, s := range rawSections {
		if w := *s.of(want); w != nil && (!s.unseen || *s.of(have) != nil) {
			c.raw(s.key, w, *s.of(have))
		}
	}
}

func (c *comparison) raw(path string, want, have Raw) {
	if at, wish, differs := rawDifference(have, want); differs {
		c.add(document.Join(path, at), fmt.Sprint(wish), fmt.Sprint(rawAt(have, at)))
	}
}

// rawAt returns the value at a key path, or "" where there is none.
func rawAt(r map[string]any, path string) any {
	key, rest, deeper := strings.Cut(path, ".")
	v, ok := r[key]
	if !ok {
		return ""
	}
	if inner, isObject := v.(map[string]any); deeper && isObject {
		return rawAt(inner, rest)
	}
	return v
}
