package tests

import (
	"fmt"
	"testing"

	"holdfast"
	"holdfast/engine/kernel"
	"holdfast/lab"
	"holdfast/state"
)

// TestAdopt takes over a bond that somebody made by hand with options of his
// own, by a document that does not mention them: that must write nothing. What
// is not mentioned is never compared with the kernel's default.
func TestAdopt(t *testing.T) {
	options := map[state.BondMode]string{
		state.BalanceRR:    "miimon 77 packets_per_slave 5 resend_igmp 7",
		state.ActiveBackup: "miimon 77 updelay 154 primary_reselect failure fail_over_mac active num_grat_arp 9",
		state.BalanceXOR:   "miimon 77 xmit_hash_policy encap3+4 min_links 1",
		state.Broadcast:    "miimon 77 all_slaves_active 1",
		state.LACP:         "miimon 77 lacp_rate fast ad_select count ad_actor_sys_prio 99 ad_user_port_key 5 lacp_active off",
		state.BalanceTLB:   "miimon 77 tlb_dynamic_lb 0 lp_interval 9",
		state.BalanceALB:   "miimon 77 downdelay 231",
	}
	for _, mode := range state.BondMode("").Values() {
		t.Run(mode, func(t *testing.T) {
			lab.Require(t)
			lab.Wire(t, lab.Wiring{NICs: nics[:2]})
			lab.IP(t, "link add hand type bond mode "+mode+" "+options[state.BondMode(mode)])
			for _, nic := range nics[:2] {
				lab.IP(t, "link", "set", nic, "master", "hand")
			}
			lab.IP(t, "link set hand up")
			e, err := kernel.Open(kernel.Options{RunDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			host, err := holdfast.Open(holdfast.Options{Carrier: e, StateDir: t.TempDir(), RunDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = host.Close() })
			for _, document := range []string{
				"interfaces: [{name: hand, type: bond, link-aggregation: {mode: %s, port: [p1, p2]}}]",
				"interfaces: [{name: hand, type: bond, link-aggregation: {mode: %s, port: [p2, p1], options: {miimon: 77}}}]",
				"interfaces: [{name: hand, type: bond, state: up}] # %s",
			} {
				before := e.Writes()
				result := apply(t, host, fmt.Sprintf(document, mode))
				if len(result.Plan.Steps) != 0 || e.Writes() != before {
					t.Errorf("%s: %d steps, %d writes:\n%+v", document, len(result.Plan.Steps), e.Writes()-before, result.Plan.Steps)
				}
			}
		})
	}
}
