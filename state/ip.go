package state

import "net/netip"

// IP holds the keys that both address families have.
type IP struct {
	// Enabled is whether the stack is on.
	Enabled *bool `state:"enabled"`
	// DHCP is whether addresses come from DHCP.
	DHCP *bool `state:"dhcp"`
	// Address lists the static addresses in order, the primary one first. nil
	// keeps what is there, empty removes all.
	Address []Address `state:"address"`
	// AllowExtra is whether addresses beyond the list are fine; true if nil.
	AllowExtra *bool `state:"allow-extra-address"`
	// AutoDNS is whether DNS servers come from DHCP or RA.
	AutoDNS *bool `state:"auto-dns"`
	// AutoGateway is whether the default route comes from DHCP or RA.
	AutoGateway *bool `state:"auto-gateway"`
	// AutoRoutes is whether routes come from DHCP or RA.
	AutoRoutes *bool `state:"auto-routes"`
	// AutoRouteTable is the table that automatic routes go to.
	AutoRouteTable *uint32 `state:"auto-route-table-id"`
	// AutoRouteMetric is the metric of automatic routes.
	AutoRouteMetric *uint32 `state:"auto-route-metric"`
	// DHCPSendHostname is whether the host name is sent; true if nil.
	DHCPSendHostname *bool `state:"dhcp-send-hostname"`
	// DHCPCustomHostname is sent in place of the host's name.
	DHCPCustomHostname *string `state:"dhcp-custom-hostname"`
}

// IPv4 is the IPv4 stack of an interface.
type IPv4 struct {
	IP `state:",inline"`
	// ClientID is the DHCP client identifier: ll, iaid+duid or a literal.
	ClientID *string `state:"dhcp-client-id"`
	// Forwarding is whether packets are forwarded from this interface.
	Forwarding *bool `state:"forwarding"`
	// PrefixRouteMetric is the metric of the routes that addresses bring.
	PrefixRouteMetric *uint32 `state:"prefix-route-metric"`
}

// IPv6 is the IPv6 stack of an interface.
type IPv6 struct {
	IP `state:",inline"`
	// Autoconf is whether addresses are made from router advertisements.
	Autoconf *bool `state:"autoconf"`
	// DUID is the DHCPv6 unique identifier: llt, en, ll, uuid or a literal.
	DUID *string `state:"dhcp-duid"`
	// AddrGenMode is how interface identifiers are made: eui64,
	// stable-privacy or another word of NetworkManager's.
	AddrGenMode *string `state:"addr-gen-mode"`
	// Token is the interface identifier of automatic addresses, "::x".
	Token *string `state:"token"`
}

// Address is one address with its prefix.
type Address struct {
	// IP is the address.
	IP netip.Addr `state:"ip"`
	// PrefixLength is in bits, 0 to 32 or 128.
	PrefixLength uint8 `state:"prefix-length,max=128"`
	// MPTCPFlags are the multipath TCP flags of the address.
	MPTCPFlags []string `state:"mptcp-flags,readonly"`
	// ValidLifeTime is what is left, as "120sec"; empty is for ever.
	ValidLifeTime string `state:"valid-life-time,alias=valid-left,alias=valid-lft,readonly"`
	// PreferredLifeTime is what is left, as "60sec"; empty is for ever.
	PreferredLifeTime string `state:"preferred-life-time,alias=preferred-left,alias=preferred-lft,readonly"`

	// Facts is what the engine knows of a live address; nil in documents.
	Facts *AddressFacts `state:"-"`
}

// AddressFacts is what an engine knows of a live address.
type AddressFacts struct {
	// Foreign addresses are not ours to remove: of finite life, or put there
	// by the kernel or a daemon (decision on ownership in ARCHITECTURE.md).
	Foreign bool
	// Tentative is set while duplicate detection runs.
	Tentative bool
	// Failed is set when duplicate detection found the address elsewhere.
	Failed bool
	// NoPrefixRoute is set when the address brings no route.
	NoPrefixRoute bool
	// Metric is that of the route that an IPv4 address brings.
	Metric uint32
	// NoDAD is set when the address is used without duplicate detection.
	NoDAD bool
}

// Prefix is the address with its length; the zero Prefix if either is invalid.
func (a Address) Prefix() netip.Prefix { return netip.PrefixFrom(a.IP, int(a.PrefixLength)) }
