package state

import (
	"maps"

	"holdfast/internal/schema"
)

// HiddenSecret stands in place of a secret in what is shown. In a desired
// state it means the secret that is there already.
const HiddenSecret = schema.Placeholder

// secretKeys are the keys of sections that are kept as they are whose values
// are not shown (nmstate hides the same).
var secretKeys = map[string][]string{
	"802.1x":    {"password", "private-key-password"},
	"macsec":    {"mka-cak"},
	"libreswan": {"psk"},
}

// hideSecrets returns i, or a copy of it without secrets if it has some.
func hideSecrets(i *Interface) *Interface {
	if i.IEEE8021X == nil && i.MACsec == nil && i.Libreswan == nil {
		return i
	}
	hidden := *i
	hidden.IEEE8021X = hideKeys(i.IEEE8021X, secretKeys["802.1x"])
	hidden.MACsec = hideKeys(i.MACsec, secretKeys["macsec"])
	hidden.Libreswan = hideKeys(i.Libreswan, secretKeys["libreswan"])
	return &hidden
}

// hideKeys returns a copy of section where the values of the keys are the
// placeholder. A null is no secret; nil stays nil.
func hideKeys(section Raw, keys []string) Raw {
	hidden := maps.Clone(section)
	for _, k := range keys {
		if hidden[k] != nil {
			hidden[k] = HiddenSecret
		}
	}
	return hidden
}
