package plan

import (
	"strings"

	"holdfast/state"
)

// KeyPartner is the key of a mismatch: a bond with LACP, or a port of one, has
// no partner.
const KeyPartner = "lacp-partner"

// negotiated are the bonds with LACP that the plan makes anew, sets up, or
// changes in a way that makes them negotiate again.
func negotiated(p *Plan) map[string]bool {
	bonds := map[string]bool{}
	for n := range p.Steps {
		s := &p.Steps[n]
		switch s.Verb {
		case CreateLink, SetUp:
			bonds[s.Object] = true
		case Attach:
			bonds[s.Controller] = true
		case ChangeLink:
			for _, key := range s.Keys {
				bonds[s.Object] = bonds[s.Object] || strings.HasPrefix(key, "link-aggregation.")
			}
		}
	}
	return bonds
}

// partnerless are the bonds among those negotiated that nobody answers, and
// the ports that the partner of their bond has not taken. Where there is no
// carrier that is said instead.
func partnerless(want, have *state.Interface, all map[string]*state.Interface) []Mismatch {
	if want.State == state.Down || !connected(have) || have.Facts.Partner == nil || have.Bond == nil {
		return nil
	}
	if !*have.Facts.Partner {
		return []Mismatch{noPartner(have)}
	}
	var list []Mismatch
	for _, name := range have.Bond.Port {
		port := all[name]
		if connected(port) && port.Facts.Partner != nil && !*port.Facts.Partner {
			list = append(list, noPartner(port))
		}
	}
	return list
}

func noPartner(i *state.Interface) Mismatch {
	return Mismatch{Object: i.Name, Key: KeyPartner, Want: "true", Have: "false", Pending: true, Minor: true}
}

// connected tells whether the interface is up and has a carrier.
func connected(i *state.Interface) bool {
	return i != nil && i.Facts != nil && i.Facts.AdminUp && i.Facts.Carrier
}
