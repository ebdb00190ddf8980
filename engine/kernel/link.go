package kernel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// A linkKind is how links of one kind are made and changed.
type linkKind struct {
	// name is the kernel's (rtnl_link_ops.kind).
	name string
	// create appends what a new link of the kind is made of: inside
	// IFLA_INFO_DATA. nil for a kind without options.
	create func(e *encoder, i *state.Interface, t *linkTable) error
	// parent gives the name of the link below; nil for a kind without.
	parent func(i *state.Interface) string
	// change makes the tasks that set the keys of the kind's section.
	change func(s *plan.Step, l *link, keys []string, t *linkTable) ([]task, error)
}

// linkKinds are the kinds that can be made and changed, by type.
var linkKinds = map[state.Type]linkKind{
	state.TypeBond:   {name: kindBond, create: createBond, change: changeBond},
	state.TypeBridge: {name: kindBridge, create: createBridge, change: changeBridge},
	state.TypeVLAN:   {name: kindVLAN, create: createVLAN, change: changeVLAN, parent: vlanBase},
	state.TypeVeth:   {name: kindVeth, create: createVeth},
	state.TypeDummy:  {name: kindDummy},
}

// stepType is the type of the link that a step is about.
func stepType(s *plan.Step) state.Type {
	if s.Type != "" || s.Link == nil {
		return s.Type
	}
	return s.Link.Type
}

// encodeCreate makes a link: all that the kernel takes in the one message that
// creates it, and then what it does not.
func encodeCreate(s *plan.Step, t *linkTable) (work, error) {
	k, ok := linkKinds[stepType(s)]
	if !ok || s.Link == nil {
		return nil, &engine.Error{
			Op: "create", Object: s.Object, Kind: engine.Unsupported,
			Err: fmt.Errorf("an interface of type %q cannot be made", stepType(s)),
		}
	}
	l := t.create(s.Object, k.name)
	if k.name == kindVeth {
		if s.Link.Veth == nil || s.Link.Veth.Peer == "" {
			return nil, errors.New("a new veth needs a peer")
		}
		t.create(s.Link.Veth.Peer, kindVeth)
	}
	return encodeLink(s, t, l)
}

// encodeLink is encodeCreate for a link that is in the table already.
func encodeLink(s *plan.Step, t *linkTable, l *link) (work, error) {
	k := linkKinds[stepType(s)]
	e := ifHeader{index: l.index}.encode()
	e.text(unix.IFLA_IFNAME, l.name)
	if err := encodeLinkAttributes(e, s, t, l); err != nil {
		return nil, err
	}
	if k.parent != nil {
		below, err := t.find(k.parent(s.Link))
		if err != nil {
			return nil, err
		}
		e.u32(unix.IFLA_LINK, uint32(below.index))
	}
	var err error
	e.nest(unix.IFLA_LINKINFO, func(e *encoder) {
		e.text(unix.IFLA_INFO_KIND, k.name)
		if k.create != nil {
			e.nest(unix.IFLA_INFO_DATA, func(e *encoder) { err = k.create(e, s.Link, t) })
		}
	})
	if err != nil {
		return nil, err
	}
	made := send("create "+k.name, e.message(unix.RTM_NEWLINK, netlink.Create|netlink.Excl))
	made.creates = []*link{l}
	if k.name == kindVeth {
		made.creates = append(made.creates, t.byName[s.Link.Veth.Peer])
	}
	return wave(made).then(afterCreate(s, l)...), nil
}

// encodeLinkAttributes appends what links of all kinds have: address, MTU and
// controller.
func encodeLinkAttributes(e *encoder, s *plan.Step, t *linkTable, l *link) error {
	if createWithMAC(s) {
		e.mac(unix.IFLA_ADDRESS, string(s.Link.MAC))
	} else if mac := t.pinned[l.name]; mac != "" {
		e.mac(unix.IFLA_ADDRESS, mac)
	}
	if mtu := s.Link.MTU; mtu != nil {
		e.u32(unix.IFLA_MTU, createMTU(l.kind, *mtu))
	}
	if s.Controller == "" {
		return nil
	}
	c, err := t.find(s.Controller)
	if err != nil {
		return err
	}
	e.u32(unix.IFLA_MASTER, uint32(c.index))
	l.master = c.index
	l.up = c.kind == kindBond // bond_enslave opens its port
	return nil
}

// createWithMAC says whether the address is given in the create message, so
// that nobody (udev's MACAddressPolicy) changes it afterwards. A VLAN or bridge
// that is made again and had its address from below keeps following it: an
// address that is written is pinned for good.
func createWithMAC(s *plan.Step) bool {
	i := s.Link
	switch {
	case i.MAC == "":
		return false
	case i.Facts == nil, i.Facts.MACPinned, s.Was != nil && s.Was.MAC != i.MAC:
		return true
	case i.Type == state.TypeVLAN:
		return false
	case i.Type == state.TypeBridge:
		return i.Bridge == nil || len(i.Bridge.Port) == 0
	}
	return true
}

// createMTU is the MTU of the create message. A bridge's MTU follows its ports
// unless it was changed once (br_change_mtu, net/bridge/br_device.c), and
// writing the value that is there is no change: so the bridge is made with
// another one, which afterCreate corrects.
func createMTU(kind string, mtu uint32) uint32 {
	if kind != kindBridge {
		return mtu
	}
	return otherMTU(mtu)
}

// otherMTU is a neighbour of mtu that is as good for IPv6.
func otherMTU(mtu uint32) uint32 {
	if mtu >= 65535 {
		return mtu - 1
	}
	return mtu + 1
}

// afterCreate is what the create message cannot say.
func afterCreate(s *plan.Step, l *link) []task {
	if l.kind == kindBridge && s.Link.MTU != nil {
		return []task{setMTU(l, *s.Link.MTU)}
	}
	return nil
}

// encodeChange sets keys of a link in place, in their order. Neighbours that
// belong to the link's kind are given to it together.
func encodeChange(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for rest := s.Keys; len(rest) > 0; {
		if common, ok := commonKeys[rest[0]]; ok {
			tasks = append(tasks, common(s, l)...)
			rest = rest[1:]
			continue
		}
		n := slices.IndexFunc(rest, func(key string) bool { return commonKeys[key] != nil })
		if n < 0 {
			n = len(rest)
		}
		own, err := changeOwn(s, l, rest[:n], t)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, own...)
		rest = rest[n:]
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	return wave(tasks...), nil
}

// commonKeys are the keys that links of all kinds have.
var commonKeys = map[string]func(s *plan.Step, l *link) []task{
	plan.KeyMTU: changeMTU,
	plan.KeyMAC: func(s *plan.Step, l *link) []task {
		return []task{send("set mac-address "+string(s.Link.MAC), setLink(l.index, func(e *encoder) {
			e.mac(unix.IFLA_ADDRESS, string(s.Link.MAC))
		}))}
	},
	plan.KeyPromiscuous: func(s *plan.Step, l *link) []task {
		return []task{setPromiscuous(l, s.Link.Promiscuous != nil && *s.Link.Promiscuous)}
	},
}

// changeOwn sets the keys of the kind's own section.
func changeOwn(s *plan.Step, l *link, keys []string, t *linkTable) ([]task, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	if isEthernetKey(keys[0]) {
		return changeEthernet(s, l, keys)
	}
	change := linkKinds[stepType(s)].change
	if change == nil {
		return nil, unknownKey(s, keys[0])
	}
	return change(s, l, keys, t)
}

// unknownKey is the error about a key that cannot be changed in place.
func unknownKey(s *plan.Step, key string) error {
	return &engine.Error{
		Op: "change", Object: s.Object, Kind: engine.Unsupported,
		Err: fmt.Errorf("%q of an interface of type %q cannot be changed in place", key, stepType(s)),
	}
}

func setMTU(l *link, mtu uint32) task {
	return send(fmt.Sprintf("set mtu %d", mtu), setLink(l.index, func(e *encoder) { e.u32(unix.IFLA_MTU, mtu) }))
}

// changeMTU sets the MTU. A bridge that has the value already, but by its
// ports, is made to keep it.
func changeMTU(s *plan.Step, l *link) []task {
	if s.Link.MTU == nil {
		return nil
	}
	mtu := *s.Link.MTU
	if l.kind == kindBridge && s.Was != nil && s.Was.MTU != nil && *s.Was.MTU == mtu {
		return []task{setMTU(l, otherMTU(mtu)), setMTU(l, mtu)}
	}
	return []task{setMTU(l, mtu)}
}

func setPromiscuous(l *link, on bool) task {
	return send(fmt.Sprintf("set accept-all-mac-addresses %t", on),
		setFlags(l.index, bit[uint32](on)*unix.IFF_PROMISC, unix.IFF_PROMISC))
}

// encodeUp sets a link up.
func encodeUp(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	l.up = true
	return wave(send("set up", setFlags(l.index, unix.IFF_UP, unix.IFF_UP))), nil
}

// encodeDown sets a link down.
func encodeDown(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	l.up = false
	return wave(send("set down", setFlags(l.index, 0, unix.IFF_UP))), nil
}
