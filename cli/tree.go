package cli

import (
	"io"
	"strconv"

	"holdfast/state"
)

// forest is the interfaces by who sits on whom: NICs are the roots, and what
// sits on them hangs below. A bond or bridge with several ports hangs below one
// of them, and the others point at it.
type forest struct {
	byName map[string]*state.Interface
	// below names what an interface hangs below; roots are not in it.
	below map[string]string
	// above lists what hangs below a name, in the state's order.
	above map[string][]*state.Interface
	drawn map[string]bool
	grid  grid
	paint painter
	// lasts tells by name how long an interface lasts.
	lasts map[string]string
}

// interfaceTree writes the interfaces as a tree, each with its type, state,
// MTU and what matters of its kind, for a terminal of that many columns; 0 is
// none.
func interfaceTree(w io.Writer, paint painter, width int, interfaces []*state.Interface) {
	lastingTree(w, paint, width, interfaces, nil)
}

// lastingTree is interfaceTree that marks what is temporary.
func lastingTree(w io.Writer, paint painter, width int, interfaces []*state.Interface, lasts map[string]string) {
	f := &forest{
		byName: make(map[string]*state.Interface, len(interfaces)),
		below:  make(map[string]string, len(interfaces)),
		above:  map[string][]*state.Interface{},
		drawn:  make(map[string]bool, len(interfaces)),
		grid:   grid{header: []string{"NAME", "TYPE", "STATE", "MTU", "DETAILS"}, sep: gap, paint: paint},
		paint:  paint,
		lasts:  lasts,
	}
	f.connect(interfaces)
	for _, i := range interfaces {
		if f.below[i.Name] == "" {
			f.draw(i, "", "")
		}
	}
	for _, i := range interfaces { // what only a loop leads to
		f.draw(i, "", "")
	}
	f.grid.write(w, width)
}

// connect finds out what each interface hangs below: what it is made on, or
// for a controller the first port that is not a guest's.
func (f *forest) connect(interfaces []*state.Interface) {
	for _, i := range interfaces {
		f.byName[i.Name] = i
	}
	for _, i := range interfaces {
		if base := baseOf(i); base != i.Name && f.byName[base] != nil {
			f.below[i.Name] = base
		}
	}
	for _, i := range interfaces {
		c := controllerOf(i)
		if f.byName[c] == nil || c == i.Name {
			continue
		}
		if old := f.byName[f.below[c]]; old == nil || guestLike(old) && !guestLike(i) {
			f.below[c] = i.Name
		}
	}
	for _, i := range interfaces {
		if base := f.below[i.Name]; base != "" {
			f.above[base] = append(f.above[base], i)
		}
	}
}

// guestLike tells whether a port looks like a guest's or a container's.
func guestLike(i *state.Interface) bool {
	if i.Facts != nil {
		return i.Facts.Foreign
	}
	return i.Type == state.TypeTun || i.Type == state.TypeVeth || i.Type == state.TypeMACVTAP
}

// baseOf names the interface that i is made on, or "".
func baseOf(i *state.Interface) string {
	if i.Facts != nil && i.Facts.BaseElsewhere {
		return ""
	}
	if i.VLAN != nil {
		return i.VLAN.BaseIface
	}
	for _, section := range []state.Raw{i.VXLAN, i.MACVLAN, i.MACVTAP, i.IPVLAN, i.MACsec, i.InfiniBand, i.IPTunnel} {
		if base, ok := section["base-iface"].(string); ok && base != "" {
			return base
		}
	}
	return ""
}

// draw adds the row of an interface and those of what hangs below it. lead is
// what stands before its name, and indent what stands before its children's.
func (f *forest) draw(i *state.Interface, lead, indent string) {
	if f.drawn[i.Name] {
		return
	}
	f.drawn[i.Name] = true
	children := f.above[i.Name]
	below := indent + "   "
	if len(children) > 0 {
		below = indent + "│  "
	}
	f.grid.rows = append(f.grid.rows, row{
		cells: []string{f.paint(dim, lead) + f.paint(bold, i.Name), kindCell(i), stateCell(f.paint, i), mtuCell(i)},
		notes: f.details(i),
		lead:  below + " ",
	})
	for n, child := range children {
		if n == len(children)-1 {
			f.draw(child, indent+"└─ ", indent+"   ")
		} else {
			f.draw(child, indent+"├─ ", indent+"│  ")
		}
	}
}

// kindCell is the type with the one thing that tells two of a kind apart.
func kindCell(i *state.Interface) string {
	kind := string(i.Type)
	switch {
	case i.VLAN != nil && i.VLAN.ID != nil:
		kind += " " + strconv.Itoa(int(*i.VLAN.ID))
	case i.Bond != nil && i.Bond.Mode != "":
		kind += " " + string(i.Bond.Mode)
	}
	return kind
}

// details are the controller if the interface is not drawn right above it, the
// peer of a pair, and the addresses.
func (f *forest) details(i *state.Interface) []string {
	var parts []string
	if c := controllerOf(i); c != "" && f.below[c] != i.Name {
		parts = append(parts, "→ "+c)
	}
	if i.Veth != nil && i.Veth.Peer != "" {
		parts = append(parts, "peer "+i.Veth.Peer)
	}
	parts = append(parts, addresses(i)...)
	if f.lasts[i.Name] == temporary {
		parts = append(parts, f.paint(yellow, temporary))
	}
	return parts
}
