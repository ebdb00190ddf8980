package schemadoc

// defaults are the values of what a document does not mention about a new
// interface, route or rule; an existing one keeps what it has. The keys are
// struct and field of the model.
var defaults = map[string]string{
	"Interface.State":       "`up`",
	"Interface.Type":        "what is there",
	"Interface.Identifier":  "`name`",
	"Interface.WaitIP":      "`any`",
	"Interface.Promiscuous": "`false`",
	"Interface.MAC":         "a bond's or bridge's is its first port's",
	"Interface.IPv4":        "off",
	"Interface.IPv6":        "off",

	"IPv4.IP.AllowExtra":       "`true`",
	"IPv4.IP.AutoDNS":          "`true` with `dhcp`",
	"IPv4.IP.AutoGateway":      "`true` with `dhcp`",
	"IPv4.IP.AutoRoutes":       "`true` with `dhcp`",
	"IPv4.IP.AutoRouteTable":   "main (254)",
	"IPv4.IP.DHCPSendHostname": "`true`",
	"IPv4.ClientID":            "`ll`",
	"IPv6.IP.AllowExtra":       "`true`",
	"IPv6.IP.AutoDNS":          "`true` with `dhcp` or `autoconf`",
	"IPv6.IP.AutoGateway":      "`true` with `autoconf`",
	"IPv6.IP.AutoRoutes":       "`true` with `dhcp` or `autoconf`",
	"IPv6.IP.AutoRouteTable":   "main (254)",
	"IPv6.IP.DHCPSendHostname": "`true`",
	"IPv6.DUID":                "`ll`",

	"BondOptions.MIIMon": "100, unless `arp_interval` is given",

	"VLAN.Protocol":             "`802.1q`",
	"VLAN.RegistrationProtocol": "`none`",
	"VLAN.ReorderHeaders":       "`true`",
	"VLAN.LooseBinding":         "`false`",

	"BridgeOptions.VLANProtocol":    "`802.1q`",
	"BridgeOptions.VLANDefaultPVID": "1",

	"Route.Metric":    "the kernel's",
	"Route.TableID":   "main (254)",
	"Route.Weight":    "1",
	"Rule.Priority":   "from 30000 up",
	"Rule.RouteTable": "main (254)",
}

func defaultOf(owner, field string) string { return defaults[owner+"."+field] }
