package kernel

import (
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/state"
)

// TestShowNIC shows a NIC of the machine: its driver tells features and rings,
// and so much of speed and duplex as QEMU makes up.
//
//lab:run --nics 1 --driver e1000e
func TestShowNIC(t *testing.T) {
	lab.Require(t, lab.Root)
	c := dialTest(t)
	s, _, err := readState(t.Context(), c, engine.ShowOptions{Details: true})
	if err != nil {
		t.Fatal(err)
	}
	nic := s.Find("eth0")
	if nic == nil || nic.Type != state.TypeEthernet {
		t.Fatalf("no NIC is shown: %+v", nic)
	}
	if nic.PermanentMAC == "" || !nic.Facts.Physical {
		t.Errorf("permanent address %q, physical %v", nic.PermanentMAC, nic.Facts.Physical)
	}
	if nic.Ethernet == nil || nic.Ethernet.AutoNegotiation == nil {
		t.Errorf("ethernet is %+v", nic.Ethernet)
	}
	for _, section := range []string{"feature", "ring", "coalesce", "pause"} {
		if m, ok := nic.Ethtool[section].(map[string]any); !ok || len(m) == 0 {
			t.Errorf("ethtool %s is %v", section, nic.Ethtool[section])
		}
	}
	brief, _, err := readState(t.Context(), c, engine.ShowOptions{Names: []string{nic.Name}})
	if err != nil {
		t.Fatal(err)
	}
	if len(brief.Interfaces) != 1 || brief.Interfaces[0].Ethtool != nil {
		t.Errorf("asked for %s alone without details: %+v", nic.Name, brief.Interfaces)
	}
}
