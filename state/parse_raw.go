package state

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// rawKeys are the keys that nmstate knows in a section that is kept as it is.
// A nil member may hold anything.
type rawKeys map[string]rawKeys

// words makes the keys of a section from a list of them.
func words(list string) rawKeys {
	k := rawKeys{}
	for word := range strings.FieldsSeq(list) {
		k[word] = nil
	}
	return k
}

// with adds a key that has keys of its own.
func (k rawKeys) with(key string, sub rawKeys) rawKeys {
	k[key] = sub
	return k
}

// rawTop are the kept sections of the document, rawInterface those of an
// interface. Sections that nmstate itself leaves open, or whose keys change
// from version to version (hsr, libreswan, ip-tunnel), are not listed.
var (
	rawTop = rawKeys{
		"ovs-db": words("external_ids other_config"),
		"ovn":    rawKeys{"bridge-mappings": words("localnet bridge state")},
	}
	rawInterface = rawKeys{
		"vxlan":      words("base-iface id learning local remote destination-port"),
		"vrf":        words("port ports route-table-id"),
		"mac-vlan":   words("base-iface mode promiscuous accept-all-mac"),
		"mac-vtap":   words("base-iface mode promiscuous accept-all-mac"),
		"ipvlan":     words("base-iface mode private vepa"),
		"macsec":     words("encrypt base-iface mka-cak mka-ckn port validation send-sci offload"),
		"infiniband": words("mode base-iface pkey"),
		"patch":      words("peer"),
		"dpdk":       words("devargs rx-queue n_rxq n_rxq_desc n_txq_desc"),
		"mptcp":      words("address-flags"),
		"ovs-db":     words("external_ids other_config"),
		"802.1x":     words("identity eap-methods private-key client-cert ca-cert private-key-password phase2-auth password"),
		"lldp":       words("enabled neighbors"),
		"dispatch":   words("post-activation post-deactivation variables"),
		"ethtool":    rawEthtool,
		"ethernet":   words("auto-negotiation speed duplex").with("sr-iov", rawSRIOV),
	}
	rawEthtool = rawKeys{
		"pause":   words("rx tx autoneg"),
		"feature": nil,
		"coalesce": words("adaptive-rx adaptive-tx pkt-rate-high pkt-rate-low sample-interval stats-block-usecs" +
			" rx-frames rx-frames-high rx-frames-irq rx-frames-low rx-usecs rx-usecs-high rx-usecs-irq rx-usecs-low" +
			" tx-frames tx-frames-high tx-frames-irq tx-frames-low tx-usecs tx-usecs-high tx-usecs-irq tx-usecs-low"),
		"ring": words("rx rx-jumbo rx-mini tx rx-max rx-jumbo-max rx-mini-max tx-max"),
		"fec":  nil,
	}
	rawSRIOV = words("drivers-autoprobe total-vfs").with("vfs",
		words("id iface-name mac-address spoof-check trust min-tx-rate max-tx-rate vlan-id qos vlan-proto"))
	rawOVSBridge = words("allow-extra-patch-ports").
			with("options", words("stp rstp mcast-snooping-enable fail-mode datapath")).
			with("port", rawOVSPort).with("ports", rawOVSPort)
	rawOVSPort = words("name vlan").with("link-aggregation",
		words("mode port ports bond-downdelay bond-updelay ovs-db"))
)

// checkRaw adds a problem for each key that nmstate does not know in the
// sections that are kept as they are.
func checkRaw(doc *document.Document, problems *problem.List) {
	c := rawCheck{doc: doc, problems: problems}
	c.members(&doc.Root, "", rawTop, false)
	list := doc.Root.Get("interfaces")
	if list == nil || list.Kind != document.Sequence {
		return
	}
	for i := range list.Items {
		item := &list.Items[i]
		path := ""
		for k := 0; k+1 < len(item.Items) && item.Kind == document.Mapping; k += 2 {
			section := item.Items[k].Text
			keys := rawInterface[section]
			if section == "bridge" && isOVSBridge(item) {
				keys = rawOVSBridge
			}
			if keys == nil {
				continue
			}
			if path == "" {
				path = "interfaces[" + strconv.Itoa(i) + "]"
			}
			c.check(&item.Items[k+1], document.Join(path, section), keys)
		}
	}
}

func isOVSBridge(item *document.Node) bool {
	t := item.Get("type")
	return t != nil && t.Text == string(TypeOVSBridge)
}

// rawCheck is one such check.
type rawCheck struct {
	doc      *document.Document
	problems *problem.List
}

// check looks into a section, or into each element of a list of them.
func (c *rawCheck) check(n *document.Node, path string, keys rawKeys) {
	switch n.Kind {
	case document.Mapping:
		c.members(n, path, keys, true)
	case document.Sequence:
		for i := range n.Items {
			c.check(&n.Items[i], path+"["+strconv.Itoa(i)+"]", keys)
		}
	}
}

// members looks at the keys of a mapping; unknown ones are a problem only
// when it is closed.
func (c *rawCheck) members(n *document.Node, path string, keys rawKeys, closed bool) {
	for i := 0; i+1 < len(n.Items); i += 2 {
		key := &n.Items[i]
		sub, known := keys[key.Text]
		if closed && !known {
			c.problems.Add(&problem.Problem{
				File: c.doc.Name, Line: int(key.Line), Column: int(key.Column),
				Key: document.Join(path, key.Text), Message: "unknown key",
				Hint: problem.DidYouMean(key.Text, slices.Sorted(maps.Keys(keys))),
			})
		}
		if sub != nil {
			c.check(&n.Items[i+1], document.Join(path, key.Text), sub)
		}
	}
}
