package plan

import (
	"reflect"

	"holdfast/state"
)

// ethernetKind is hardware: never made, its link settings renegotiate.
var ethernetKind = kind{
	fields:  fieldsOf(reflect.TypeFor[state.Ethernet](), "ethernet", "sr-iov"),
	section: func(i *state.Interface) any { return i.Ethernet },
	classes: map[string]class{
		"ethernet.auto-negotiation": flaps,
		"ethernet.speed":            flaps,
		"ethernet.duplex":           flaps,
	},
}
