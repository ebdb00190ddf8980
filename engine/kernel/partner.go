package kernel

import (
	"slices"

	"golang.org/x/sys/unix"
)

const (
	// bondPartnerMAC is IFLA_BOND_AD_INFO_PARTNER_MAC (linux/if_link.h).
	bondPartnerMAC = 5
	// lacpSynchronization is LACP_STATE_SYNCHRONIZATION of a port's state (IEEE
	// 802.1AX 6.4.2.3, net/bond_3ad.h): the other side has put the port into an
	// aggregation. The kernel clears it when the partner falls silent.
	lacpSynchronization = 0x08
)

// partner tells whether a bond with LACP, or a port of one, has a partner; nil
// on all others, and where the kernel does not say.
func partner(l *rawLink) *bool {
	if l.SlaveKind == kindBond {
		return portPartner(l)
	}
	if l.Kind != kindBond {
		return nil
	}
	a := scan(l.Info)
	for a.next() {
		if a.typ == unix.IFLA_BOND_AD_INFO {
			return bondPartner(a.val)
		}
	}
	return nil
}

// bondPartner looks at the active aggregator: its partner's address is zero
// without one.
func bondPartner(info []byte) *bool {
	a := scan(info)
	for a.next() {
		if a.typ == bondPartnerMAC {
			return new(slices.ContainsFunc(a.val, func(b byte) bool { return b != 0 }))
		}
	}
	return nil
}

// portPartner looks at what the partner said of the port.
func portPartner(l *rawLink) *bool {
	a := scan(l.SlaveInfo)
	for a.next() {
		if a.typ == unix.IFLA_BOND_SLAVE_AD_PARTNER_OPER_PORT_STATE {
			return new(a.u16()&lacpSynchronization != 0)
		}
	}
	return nil
}
