package kernel

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// An ipKey is how one key of plan.ChangeIP is set.
type ipKey func(s *plan.Step, l *link) []task

// ipKeys is the table of the stacks' switches.
var ipKeys = map[string]ipKey{
	plan.KeyQuiet:       quiet,
	plan.KeyRestore:     restore,
	plan.KeyReset:       reset,
	plan.KeyIPv6:        switchIPv6,
	plan.KeyAutoconf:    switchAutoconf,
	plan.KeyAddrGenMode: setAddrGenMode,
	plan.KeyToken:       setToken,
	plan.KeyForwarding:  switchForwarding,
}

// encodeIP turns a stack, or what it does by itself, on or off.
func encodeIP(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, key := range s.Keys {
		set := ipKeys[key]
		if set == nil {
			return nil, unknownKey(s, key)
		}
		tasks = append(tasks, set(s, l)...)
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	return wave(tasks...), nil
}

// quiet makes a port mute. Netlink can only say which mode makes addresses;
// that of a link without IPv6 needs no change.
func quiet(_ *plan.Step, l *link) []task {
	msg := setINet6(l, func(e *encoder) { e.u8(unix.IFLA_INET6_ADDR_GEN_MODE, addrGenNone) })
	return []task{
		send("set IPv6 address generation none", msg, unix.EAFNOSUPPORT, unix.EOPNOTSUPP),
		optional(l, setSysctl(unix.AF_INET6, l.name, "accept_ra", "0")),
	}
}

// setINet6 makes a message about the link's IPv6 stack. In a create message the
// kernel refuses it, as the link has no stack yet.
func setINet6(l *link, fill func(*encoder)) netlink.Message {
	return setLink(l.index, func(e *encoder) {
		e.nest(unix.IFLA_AF_SPEC, func(e *encoder) { e.nest(unix.AF_INET6, fill) })
	})
}

// restore gives a former port its own addresses back. The file is written and
// not the attribute: the kernel makes the address of a link that is up only
// for the file (addrconf_sysctl_addr_gen_mode, net/ipv6/addrconf.c).
func restore(s *plan.Step, l *link) []task {
	v6 := ipv6Of(s)
	tasks := []task{optional(l, setSysctl(unix.AF_INET6, l.name, "accept_ra", autoconfValue(v6)))}
	if v6.AddrGenMode != nil {
		return append(tasks, setAddrGenMode(s, l)...)
	}
	return append(tasks, optional(l, setSysctl(unix.AF_INET6, l.name, "addr_gen_mode", "default")))
}

// ipv6Of is the section of the link, empty if it was not mentioned.
func ipv6Of(s *plan.Step) *state.IPv6 {
	if s.Link == nil || s.Link.IPv6 == nil {
		return &state.IPv6{}
	}
	return s.Link.IPv6
}

func autoconfValue(v6 *state.IPv6) string {
	if v6.Autoconf == nil {
		return "default"
	}
	return digit(*v6.Autoconf)
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// reset gives the IPv6 sysctls back the values of conf/default: all that a link
// can be told, but for the MTU, which is the link's. disable_ipv6 comes last,
// so that the stack starts as it is to be.
func reset(_ *plan.Step, l *link) []task {
	var tasks []task
	for _, key := range devconf6 {
		if key != "" && key != "mtu" && key != "disable_ipv6" {
			tasks = append(tasks, optional(l, setSysctl(unix.AF_INET6, l.name, key, "default")))
		}
	}
	return append(tasks, optional(l, setSysctl(unix.AF_INET6, l.name, "disable_ipv6", "default")))
}

// switchIPv6 turns the stack on or off. Off is what a kernel without IPv6 is
// already.
func switchIPv6(s *plan.Step, l *link) []task {
	v6 := ipv6Of(s)
	on := v6.Enabled != nil && *v6.Enabled
	set := setSysctl(unix.AF_INET6, l.name, "disable_ipv6", digit(!on))
	if !on {
		set = optional(l, set)
	}
	return []task{set}
}

func switchAutoconf(s *plan.Step, l *link) []task {
	v6 := ipv6Of(s)
	on := v6.Autoconf != nil && *v6.Autoconf
	ra, auto := setSysctl(unix.AF_INET6, l.name, "accept_ra", digit(on)), setSysctl(unix.AF_INET6, l.name, "autoconf", digit(on))
	if !on {
		ra, auto = optional(l, ra), optional(l, auto)
	}
	return []task{ra, auto}
}

// addrGenModes are the schema's words for IN6_ADDR_GEN_MODE_*.
var addrGenModes = map[string]string{"eui64": "0", "none": "1", "stable-privacy": "2", "random": "3"}

// setAddrGenMode sets how interface identifiers are made. Stable ones need a
// secret: where none was set the kernel is told to make one.
func setAddrGenMode(s *plan.Step, l *link) []task {
	word := "eui64"
	if mode := ipv6Of(s).AddrGenMode; mode != nil {
		word = *mode
	}
	value, ok := addrGenModes[word]
	if !ok {
		value = "default"
	}
	set := setSysctl(unix.AF_INET6, l.name, "addr_gen_mode", value)
	if word != "stable-privacy" {
		return []task{set}
	}
	random := setSysctl(unix.AF_INET6, l.name, "addr_gen_mode", addrGenModes["random"])
	return []task{{op: set.op, call: func(ctx context.Context, e *Engine) error {
		err := set.call(ctx, e)
		if errors.Is(err, unix.EINVAL) {
			return random.call(ctx, e)
		}
		return err
	}}}
}

// setToken sets the interface identifier of automatic addresses; none is "::".
func setToken(s *plan.Step, l *link) []task {
	token := netip.IPv6Unspecified()
	if text := ipv6Of(s).Token; text != nil {
		if ip, err := netip.ParseAddr(*text); err == nil && ip.Is6() {
			token = ip
		}
	}
	return []task{send("set IPv6 token "+token.String(), setINet6(l, func(e *encoder) {
		e.addr(unix.IFLA_INET6_TOKEN, token)
	}))}
}

func switchForwarding(s *plan.Step, l *link) []task {
	on := s.Link != nil && s.Link.IPv4 != nil && s.Link.IPv4.Forwarding != nil && *s.Link.IPv4.Forwarding
	return []task{setSysctl(unix.AF_INET, l.name, "forwarding", digit(on))}
}

// optional makes a task of which it does not matter that the link does not
// have it: switching off what is not there. A link that is not there any more
// under its name is told.
func optional(l *link, t task) task {
	call := t.call
	t.call = func(ctx context.Context, e *Engine) error {
		err := call(ctx, e)
		switch {
		case errors.Is(err, unix.EAFNOSUPPORT):
			return nil
		case errors.Is(err, fs.ErrNotExist):
			return e.stillThere(ctx, l)
		}
		return err
	}
	return t
}
