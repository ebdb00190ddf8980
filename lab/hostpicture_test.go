package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ageing is a picture of one bridge, as ip shows it.
func ageing(time, change float64) HostPicture {
	data := map[string]any{"ageing_time": time, "forward_delay": 400.0, "topology_change": change, "stp_state": 1.0}
	object := map[string]any{"ifname": "br0", "flags": []any{"UP"}, "linkinfo": map[string]any{"info_data": data}}
	p := HostPicture{}
	doubtAgeing(object)
	dropVolatile(links, object)
	p.put(links, "br0", object)
	return p
}

func TestDiffOfAgeingTime(t *testing.T) {
	quiet, changing, other := ageing(30000, 0), ageing(800, 1), ageing(20000, 0)
	if diff := quiet.Diff(changing); diff != "" {
		t.Errorf("a bridge in a topology change differs (-want +got):\n%s", diff)
	}
	if quiet.Diff(other) == "" {
		t.Error("another ageing time is no difference")
	}
	if quiet.Diff(ageing(800, 0)) == "" {
		t.Error("an ageing time of twice the forward delay is no difference, although no topology change goes on")
	}
}

func TestVolatileHasReasons(t *testing.T) {
	for _, field := range Volatile() {
		if field.Reason == "" || field.Name == "" || field.Section == "" {
			t.Errorf("%+v: section, name and reason are needed", field)
		}
	}
}

func TestDropOfNestedField(t *testing.T) {
	vlan := map[string]any{
		"info_data": map[string]any{"id": 100.0}, "info_slave_data": map[string]any{"id": "0x8001", "cost": 2.0},
	}
	dropVolatile(links, vlan)
	want := map[string]any{"info_data": map[string]any{"id": 100.0}, "info_slave_data": map[string]any{"cost": 2.0}}
	if diff := cmp.Diff(want, vlan); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
