package state

import "testing"

func TestCloneIsEqualAndIndependent(t *testing.T) {
	s := vlanHost(2)
	s.Interfaces[0].Ethtool = Raw{"feature": map[string]any{"rx-gro": true}}
	s.Interfaces[0].Facts = &Facts{Index: 7}
	c := s.Clone()
	if !Equal(s, c) {
		t.Fatal("a clone differs")
	}
	c.Interfaces[0].Ethtool["feature"].(map[string]any)["rx-gro"] = false
	if Equal(s, c) {
		t.Error("a change inside a raw section is not seen, or the clone shares it")
	}
	c = s.Clone()
	*c.Find("bond0").Bond.Options.MIIMon = 5
	c.Find("bond0").Bond.Port[0] = "other"
	c.Interfaces[0].Facts.Index = 8
	if *s.Find("bond0").Bond.Options.MIIMon != 100 || s.Find("bond0").Bond.Port[0] != "eth0" || s.Interfaces[0].Facts.Index != 7 {
		t.Error("a clone shares what it should have copied")
	}
	if Equal(s, c) {
		t.Error("different options are equal")
	}
}
