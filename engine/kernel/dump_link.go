package kernel

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// The kinds of links that are looked at by name (rtnl_link_ops.kind).
const (
	kindBond    = "bond"
	kindBridge  = "bridge"
	kindVLAN    = "vlan"
	kindVeth    = "veth"
	kindDummy   = "dummy"
	kindVXLAN   = "vxlan"
	kindVRF     = "vrf"
	kindMACVLAN = "macvlan"
	kindMACVTAP = "macvtap"
	kindIPVLAN  = "ipvlan"
	kindMACsec  = "macsec"
	kindHSR     = "hsr"
	kindTun     = "tun"
)

// Filters of a link dump (RTEXT_FILTER_*, include/uapi/linux/rtnetlink.h).
const (
	extFilterVLANCompressed = 1 << 2
	extFilterSkipStats      = 1 << 3
)

// A rawLink is one link as the kernel tells it. What belongs to its kind stays
// in the kernel's bytes (Info and SlaveInfo): a re-creation sends them back as
// they are, and show decodes them by kind.
type rawLink struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
	// Hardware is the ARPHRD number of the link layer (1: Ethernet).
	Hardware uint16 `json:"hardware"`
	// Kind and SlaveKind are empty for hardware, and for what is no port.
	Kind      string   `json:"kind,omitempty"`
	SlaveKind string   `json:"slave-kind,omitempty"`
	Flags     uint32   `json:"flags"`
	MTU       uint32   `json:"mtu"`
	MinMTU    uint32   `json:"min-mtu,omitempty"`
	MaxMTU    uint32   `json:"max-mtu,omitempty"`
	MAC       string   `json:"mac,omitempty"`
	PermMAC   string   `json:"perm-mac,omitempty"`
	Master    int      `json:"master,omitempty"`
	AltNames  []string `json:"alt-names,omitempty"`
	Group     uint32   `json:"group,omitempty"`
	TxQueue   uint32   `json:"tx-queue"`
	Alias     string   `json:"alias,omitempty"`
	OperState uint8    `json:"oper-state"`
	LinkMode  uint8    `json:"link-mode,omitempty"`
	Carrier   bool     `json:"carrier,omitempty"`
	ProtoDown bool     `json:"proto-down,omitempty"`
	// Promiscuity counts who wants promiscuous mode.
	Promiscuity uint32 `json:"promiscuity,omitempty"`
	// Below is the ifindex of the link below, or a veth's peer. It is a number
	// of the namespace BelowNetNS if that is not nil: none of ours.
	Below      int    `json:"below,omitempty"`
	BelowNetNS *int32 `json:"below-netns,omitempty"`
	NumTxQ     uint32 `json:"num-tx-queues,omitempty"`
	NumRxQ     uint32 `json:"num-rx-queues,omitempty"`
	// ParentDevice is the bus device of a NIC, "0000:01:00.0".
	ParentDevice string `json:"parent-device,omitempty"`
	// Info and SlaveInfo are IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA.
	Info      []byte `json:"info,omitempty"`
	SlaveInfo []byte `json:"slave-info,omitempty"`
	// INet4 and INet6 are the stacks' sysctls.
	INet4 inetConf `json:"inet4"`
	INet6 inetConf `json:"inet6"`
}

// An inetConf holds the sysctls of one link in one address family, as the
// kernel's arrays IFLA_INET_CONF and IFLA_INET6_CONF give them: no file is read.
type inetConf struct {
	// Present is whether the link has that stack at all: it has no IPv6 below
	// an MTU of 1280, and in a kernel with IPv6 off.
	Present    bool  `json:"present,omitempty"`
	Forwarding int32 `json:"forwarding,omitempty"`
	// The others are IPv6 only.
	Disabled    bool  `json:"disabled,omitempty"`
	AcceptRA    int32 `json:"accept-ra,omitempty"`
	Autoconf    int32 `json:"autoconf,omitempty"`
	AddrGenMode int32 `json:"addr-gen-mode,omitempty"`
	// Token is the interface identifier of automatic addresses; invalid for none,
	// and where it was not asked for.
	Token netip.Addr `json:"token,omitzero"`
	// All is the whole array, for a checkpoint; index by devconf4 and devconf6.
	All []int32 `json:"all,omitempty"`
}

// up tells whether the link is set up, which says nothing about a carrier.
func (l *rawLink) up() bool { return l.Flags&unix.IFF_UP != 0 }

// readLinks dumps the links, without statistics (Linux 4.4) and thereby
// without IPv6's counters, which take longer than all the rest.
func readLinks(ctx context.Context, c *conn, s *snapshot, w want) (err error) {
	request := appendU32(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_EXT_MASK, extFilterSkipStats)
	s.Links, err = dumpAll(ctx, c, unix.RTM_GETLINK, request, func(body []byte) (*rawLink, bool, error) {
		l, err := decodeLink(body, w&wantRaw != 0)
		return l, l != nil && l.Index > 0, err
	})
	for _, l := range s.Links {
		c.ageing.correct(l)
	}
	return err
}

// decodeLink decodes the body of an RTM_NEWLINK message; all keeps every
// sysctl. Attributes that are not known are passed over.
func decodeLink(b []byte, all bool) (*rawLink, error) {
	if len(b) < unix.SizeofIfInfomsg {
		return nil, short("link", b)
	}
	l := &rawLink{
		Hardware: binary.NativeEndian.Uint16(b[2:]),
		Index:    int(int32(binary.NativeEndian.Uint32(b[4:]))),
		Flags:    binary.NativeEndian.Uint32(b[8:]),
	}
	a := scan(b[unix.SizeofIfInfomsg:])
	for a.next() {
		if !l.decodeIdentity(&a) && !l.decodeState(&a) {
			l.decodeNested(&a, all)
		}
	}
	if a.err != nil {
		return nil, fmt.Errorf("link %d %s: %w", l.Index, l.Name, a.err)
	}
	return l, nil
}

// decodeIdentity takes the attributes that tell links apart and tie them
// together; false for others.
func (l *rawLink) decodeIdentity(a *attrScanner) bool {
	switch a.typ {
	case unix.IFLA_IFNAME:
		l.Name = a.text()
	case unix.IFLA_ADDRESS:
		l.MAC = a.mac()
	case unix.IFLA_PERM_ADDRESS:
		l.PermMAC = a.mac()
	case unix.IFLA_MASTER:
		l.Master = a.index()
	case unix.IFLA_LINK:
		l.Below = a.index()
	case unix.IFLA_LINK_NETNSID:
		id := a.s32()
		l.BelowNetNS = &id
	case unix.IFLA_IFALIAS:
		l.Alias = a.text()
	case unix.IFLA_GROUP:
		l.Group = a.u32()
	case unix.IFLA_PARENT_DEV_NAME:
		l.ParentDevice = a.text()
	default:
		return false
	}
	return true
}

// decodeState takes the plain values; false for others.
func (l *rawLink) decodeState(a *attrScanner) bool {
	switch a.typ {
	case unix.IFLA_MTU:
		l.MTU = a.u32()
	case unix.IFLA_MIN_MTU:
		l.MinMTU = a.u32()
	case unix.IFLA_MAX_MTU:
		l.MaxMTU = a.u32()
	case unix.IFLA_TXQLEN:
		l.TxQueue = a.u32()
	case unix.IFLA_OPERSTATE:
		l.OperState = a.u8()
	case unix.IFLA_LINKMODE:
		l.LinkMode = a.u8()
	case unix.IFLA_CARRIER:
		l.Carrier = a.flag()
	case unix.IFLA_PROTO_DOWN:
		l.ProtoDown = a.flag()
	case unix.IFLA_PROMISCUITY:
		l.Promiscuity = a.u32()
	case unix.IFLA_NUM_TX_QUEUES:
		l.NumTxQ = a.u32()
	case unix.IFLA_NUM_RX_QUEUES:
		l.NumRxQ = a.u32()
	default:
		return false
	}
	return true
}

// decodeNested takes the attributes that hold others.
func (l *rawLink) decodeNested(a *attrScanner, all bool) {
	switch a.typ {
	case unix.IFLA_LINKINFO:
		a.keep(l.decodeInfo(scan(a.val)))
	case unix.IFLA_PROP_LIST:
		n := scan(a.val)
		for n.next() {
			if n.typ == unix.IFLA_ALT_IFNAME {
				l.AltNames = append(l.AltNames, n.text())
			}
		}
		a.keep(n.err)
	case unix.IFLA_AF_SPEC:
		n := scan(a.val)
		for n.next() {
			switch n.typ {
			case unix.AF_INET:
				n.keep(l.INet4.decode(scan(n.val), unix.IFLA_INET_CONF, all))
			case unix.AF_INET6:
				n.keep(l.INet6.decode(scan(n.val), unix.IFLA_INET6_CONF, all))
			}
		}
		a.keep(n.err)
	}
}

// decodeInfo takes IFLA_LINKINFO apart.
func (l *rawLink) decodeInfo(n attrScanner) error {
	for n.next() {
		switch n.typ {
		case unix.IFLA_INFO_KIND:
			l.Kind = kindName(n.val)
		case unix.IFLA_INFO_SLAVE_KIND:
			l.SlaveKind = kindName(n.val)
		case unix.IFLA_INFO_DATA:
			l.Info = n.bytes()
		case unix.IFLA_INFO_SLAVE_DATA:
			l.SlaveInfo = n.bytes()
		}
	}
	return n.err
}

// kindName is cString without an allocation for the kinds of large hosts.
func kindName(b []byte) string {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	switch string(b) {
	case kindVLAN:
		return kindVLAN
	case kindBridge:
		return kindBridge
	case kindVeth:
		return kindVeth
	case kindTun:
		return kindTun
	}
	return cString(b)
}
