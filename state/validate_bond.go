package state

import (
	"net"
	"net/netip"
	"strings"
)

// maxTargets is how many targets of monitoring a bond has
// (BOND_MAX_ARP_TARGETS, include/net/bonding.h).
const maxTargets = 16

func (v *validation) bond(i *Interface) {
	b := i.Bond
	if b == nil {
		return
	}
	v.portNames(i, "link-aggregation.port", b.Port)
	v.portsConfig(i, b)
	if o := b.Options; o != nil {
		for _, check := range bondOptionChecks {
			check(v, i, o)
		}
	}
}

// portNames checks a list of ports.
func (v *validation) portNames(i *Interface, path string, names []string) {
	seen := make(map[string]bool, len(names))
	for n, name := range names {
		at := path + "[" + itoa(n) + "]"
		switch {
		case name == "":
			v.fault(i, at, "", "the port has no name", "give the name of an interface")
		case name == i.Name:
			v.fault(i, at, name, "the interface cannot be its own port", "take it off the list")
		case seen[name]:
			v.fault(i, at, name, "the port is listed twice", "list it once")
		}
		seen[name] = true
	}
}

// portsConfig checks that options of ports are given once and to ports of the
// bond, and that no two ports share a transmit queue.
func (v *validation) portsConfig(i *Interface, b *Bond) {
	seen, queues := map[string]bool{}, map[uint16]string{}
	for n, p := range b.PortsConfig {
		at := "link-aggregation.ports-config[" + itoa(n) + "]"
		switch {
		case p.Name == "":
			v.fault(i, at, "", "the port has no name", "give the name of an interface")
		case seen[p.Name]:
			v.fault(i, at+".name", p.Name, "the port's options are given twice", "put them into one entry")
		case b.Port != nil && !contains(b.Port, p.Name):
			v.fault(i, at+".name", p.Name, "is not among the ports of "+i.Name, suggestOr(p.Name, b.Port, addPort))
		}
		seen[p.Name] = true
		q := value(p.QueueID, 0)
		if other := queues[q]; q != 0 && other != "" {
			v.fault(i, at+".queue-id", itoa(int(q)), other+" has this queue already", "a queue other than 0 belongs to one port")
		}
		queues[q] = p.Name
	}
}

const optionsPath = "link-aggregation.options."

// bondOptionChecks check the values of options by themselves, whatever the
// mode.
var bondOptionChecks = []func(*validation, *Interface, *BondOptions){
	checkTargets,
	checkTwins,
	checkMonitors,
	checkActorSystem,
	func(v *validation, i *Interface, o *BondOptions) {
		if is(o.BalanceSLB) {
			v.problems.Add(unsupported(i, optionsPath+"balance_slb", "true", "is no option of the kernel's bonding", "it exists with NetworkManager and Open vSwitch only"))
		}
	},
}

func checkTargets(v *validation, i *Interface, o *BondOptions) {
	v.targets(i, optionsPath+"arp_ip_target", value(o.ARPIPTarget, ""), false)
	v.targets(i, optionsPath+"ns_ip6_target", value(o.NSIP6Target, ""), true)
}

// targets checks a list of addresses with commas between them.
func (v *validation) targets(i *Interface, path, list string, six bool) {
	if strings.TrimSpace(list) == "" {
		return
	}
	seen := map[netip.Addr]bool{}
	for t := range strings.SplitSeq(list, ",") {
		t = strings.TrimSpace(t)
		a, err := netip.ParseAddr(t)
		switch {
		case err != nil || a.Is6() != six:
			v.fault(i, path, t, "is no "+familyName(six)+" address", "give addresses with commas between them")
		case a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			v.fault(i, path, t, "is no address of one host", "give the address of a host that always answers")
		case seen[a]:
			v.fault(i, path, t, "the target is listed twice", "list it once")
		}
		seen[a] = true
	}
	if len(seen) > maxTargets {
		v.fault(i, path, "", "a bond has at most 16 targets, these are "+itoa(len(seen)), "keep those that are nearest")
	}
}

func checkTwins(v *validation, i *Interface, o *BondOptions) {
	if o.NumGratARP != nil && o.NumUnsolNA != nil && *o.NumGratARP != *o.NumUnsolNA {
		v.fault(i, optionsPath+"num_unsol_na", itoa(int(*o.NumUnsolNA)), "differs from num_grat_arp: "+itoa(int(*o.NumGratARP))+", which is the same value", "leave one of them out")
	}
}

func checkMonitors(v *validation, i *Interface, o *BondOptions) {
	if value(o.MIIMon, 0) > 0 && value(o.ARPInterval, 0) > 0 {
		v.fault(i, optionsPath+"arp_interval", itoa(int(*o.ARPInterval)), "contradicts miimon: "+itoa(int(*o.MIIMon)), "a bond is monitored in one way only")
	}
}

func checkActorSystem(v *validation, i *Interface, o *BondOptions) {
	hw, err := net.ParseMAC(string(o.ADActorSystem))
	if err == nil && len(hw) > 0 && hw[0]&1 != 0 {
		v.fault(i, optionsPath+"ad_actor_system", string(o.ADActorSystem), "is a multicast address", "the first byte of a unicast address is even")
	}
}
