package state

import (
	"slices"
	"strings"

	"holdfast/internal/problem"
)

// indexCurrent makes a link of every current interface.
func (m *merger) indexCurrent() {
	m.links = make([]*link, 0, len(m.current.Interfaces)+len(m.desired.Interfaces))
	block := make([]link, len(m.current.Interfaces))
	for n, i := range m.current.Interfaces {
		l := &block[n]
		*l = link{name: i.Name, cur: i, out: i, ignored: i.State == Ignore}
		m.links = append(m.links, l)
		m.byName[linkKey(i.Name, i.Type)] = l
		for _, a := range i.AltNames {
			m.alias[a.Name] = i.Name
		}
	}
}

// linkKey is the name under which a link is indexed: types that live in user
// space have names of their own, beside the kernel's.
func linkKey(name string, t Type) string {
	if t == TypeOVSBridge || t == TypeIPsec {
		return name + "\x00" + string(t)
	}
	return name
}

// resolveInterfaces finds for every interface of the document its link.
func (m *merger) resolveInterfaces() {
	var macs map[MAC][]*link
	peers := newPeers(m.desired)
	block := make([]Interface, len(m.desired.Interfaces))
	for n, i := range m.desired.Interfaces {
		des := &block[n]
		*des = *i
		switch i.Identifier {
		case ByMAC:
			if macs == nil {
				macs = m.indexMACs()
			}
			if !m.resolveMAC(des, macs) {
				continue
			}
		case ByPCI:
			if !m.resolvePCI(des) {
				continue
			}
		}
		m.resolveName(des, peers)
	}
	for _, l := range m.links {
		if l.des != nil {
			m.addAliases(l)
		}
	}
}

// newPeers names the other ends of the pairs in the document: they need no
// type of their own.
func newPeers(s *State) map[string]bool {
	peers := map[string]bool{}
	for _, i := range s.Interfaces {
		if i.Veth != nil && i.Veth.Peer != "" && i.State != Absent {
			peers[i.Veth.Peer] = true
		}
	}
	return peers
}

// resolveName finds the link by the kernel's name or an alternative one, and
// settles the type.
func (m *merger) resolveName(des *Interface, peers map[string]bool) {
	l := m.find(des)
	if l == nil {
		if des.State == Absent || des.State == Ignore || !m.resolveNewType(des, peers) {
			return
		}
		l = &link{name: des.Name}
		m.links = append(m.links, l)
		m.byName[linkKey(des.Name, des.Type)] = l
	}
	if l.des != nil {
		m.fault(des, "name", des.Name, "is the same interface as "+l.des.Name+where(l.des.Origin, "name"), "make one entry of both")
		return
	}
	if l.cur != nil && !m.resolveType(des, l.cur) {
		return
	}
	des.Name = l.name
	normalise(des)
	l.des = des
	l.ignored = des.State == Ignore || l.ignored && des.State == Unknown
	if l.cur == nil {
		l.out = des
	}
}

func (m *merger) find(des *Interface) *link {
	if l := m.byName[linkKey(des.Name, des.Type)]; l != nil {
		return l
	}
	if known, ok := m.alias[des.Name]; ok {
		return m.byName[known]
	}
	if unresolved(des.Type) {
		for _, t := range []Type{TypeOVSBridge, TypeIPsec} {
			if l := m.byName[linkKey(des.Name, t)]; l != nil {
				return l
			}
		}
	}
	return nil
}

func unresolved(t Type) bool { return t == "" || t == TypeUnknown }

// resolveType settles the type of an interface that is there. One end of a
// pair may be called ethernet, as nmstate does.
func (m *merger) resolveType(des, cur *Interface) bool {
	if unresolved(des.Type) || des.Type == TypeEthernet && cur.Type == TypeVeth || unresolved(cur.Type) {
		des.Type = cur.Type
	}
	if des.Type == cur.Type {
		return true
	}
	m.fault(des, "type", string(des.Type), cur.Name+" is there already and is of type "+string(cur.Type),
		"remove it with state: absent first, or give it another name")
	return false
}

// builtTypes are the types that a document can make.
var builtTypes = []string{string(TypeBond), string(TypeVLAN), string(TypeBridge), string(TypeVeth), string(TypeDummy)}

// knownTypes are those of nmstate's schema.
var knownTypes = append([]string{
	string(TypeEthernet), string(TypeLoopback), string(TypeVXLAN), string(TypeVRF), string(TypeMACVLAN), string(TypeMACVTAP),
	string(TypeIPVLAN), string(TypeMACsec), string(TypeHSR), string(TypeInfiniBand), string(TypeOVSBridge), string(TypeOVSPort),
	string(TypeIPsec), string(TypeTun), string(TypeXFRM), string(TypeIPTunnel),
}, builtTypes...)

// resolveNewType checks the type of an interface that is not there yet.
func (m *merger) resolveNewType(des *Interface, peers map[string]bool) bool {
	if peers[des.Name] && (unresolved(des.Type) || des.Type == TypeEthernet) {
		des.Type = TypeVeth
	}
	t := string(des.Type)
	switch {
	case contains(builtTypes, t):
		return true
	case unresolved(des.Type):
		m.fault(des, "name", des.Name, "there is no such interface, and no type to make it of", m.suggestInterface(des.Name, "add a type: "+strings.Join(builtTypes, ", ")))
	case des.Type == TypeEthernet, des.Type == TypeLoopback, des.Type == TypeInfiniBand, des.Type == TypeTun:
		m.fault(des, "name", des.Name, "there is no such interface of type "+t, m.suggestInterface(des.Name, listHint))
	case contains(knownTypes, t):
		m.problems.Add(unsupported(des, "type", t, "making an interface of this type is not supported yet", "holdfast makes "+strings.Join(builtTypes, ", ")))
	default:
		m.fault(des, "type", t, "there is no such type of interface", suggestOr(t, knownTypes, "holdfast makes "+strings.Join(builtTypes, ", ")))
	}
	return false
}

// listHint says where names of interfaces are found.
const listHint = "holdfast show lists the interfaces of this host"

// suggestInterface proposes an interface with a similar name, or otherwise.
func (m *merger) suggestInterface(name, otherwise string) string {
	if hint := problem.DidYouMean(name, without(m.names(), name)); hint != "" {
		return hint
	}
	return otherwise
}

func without(names []string, name string) []string {
	kept := make([]string, 0, len(names))
	for _, n := range names {
		if n != name {
			kept = append(kept, n)
		}
	}
	return kept
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
