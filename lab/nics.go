package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/lab/agent"
)

// patience is how long the kernel may take to give a NIC back from a namespace that is gone, or to see a plugged one.
const patience = 5 * time.Minute

// WireNICs is Wire with QEMU's own NICs, whose carrier can be lost and which can be unplugged. Its test needs a
// machine with them: //lab:run --nics N. The NICs come as new, down, under the names that the wiring gives them.
func WireNICs(t testing.TB, wiring Wiring) *Switch {
	t.Helper()
	root := rootHost(t)
	s := newSwitch(t)
	for i, name := range wiring.NICs {
		port := "sw" + strconv.Itoa(i)
		root.hand(t, agent.SwitchMAC(i), port, s.file)
		s.Ports = append(s.Ports, port)
		here, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		root.hand(t, agent.HostMAC(i), name, here)
		_ = here.Close()
		Carrier(t, i, true)
	}
	s.plug(t, wiring)
	return s
}

// rootHost is the namespace where QEMU's NICs appear.
func rootHost(t testing.TB) *Host {
	t.Helper()
	file, err := os.Open("/proc/1/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return &Host{Name: "the first namespace", file: file}
}

// link is what of `ip -j -d link` tells NICs apart and what they may have kept from the test before.
type link struct {
	Name      string   `json:"ifname"`
	Address   string   `json:"address"`
	Permanent string   `json:"permaddr"`
	AltNames  []string `json:"altnames"`
}

func (h *Host) find(mac string) (link, error) {
	text, err := h.Try("ip", "-j", "-d", "link")
	if err != nil {
		return link{}, err
	}
	var links []link
	if err := json.Unmarshal([]byte(text), &links); err != nil {
		return link{}, err
	}
	for _, l := range links {
		if l.Permanent == mac || l.Permanent == "" && l.Address == mac {
			return l, nil
		}
	}
	return link{}, fmt.Errorf("no NIC %s on %s", mac, h.Name)
}

// hand gives a NIC that is as new to a namespace, under a name.
func (h *Host) hand(t testing.TB, mac, name string, to *os.File) {
	t.Helper()
	var nic link
	Await(t, "NIC "+mac+" is there (//lab:run --nics N?)", patience, func() bool {
		var err error
		nic, err = h.find(mac)
		return err == nil
	})
	h.IP(t, "link", "set", nic.Name, "down")
	h.IP(t, "link", "set", nic.Name, "nomaster", "mtu", "1500", "address", mac, "alias", "", "promisc", "off", "allmulticast", "off")
	for _, other := range nic.AltNames {
		h.IP(t, "link", "property", "del", "dev", nic.Name, "altname", other)
	}
	var same, target unix.Stat_t
	if unix.Fstat(int(h.file.Fd()), &same) == nil && unix.Fstat(int(to.Fd()), &target) == nil && same.Ino == target.Ino {
		if nic.Name != name {
			h.IP(t, "link", "set", nic.Name, "name", name)
		}
		return
	}
	path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), to.Fd())
	h.IP(t, "link", "set", nic.Name, "netns", path, "name", name)
}

// Carrier gives QEMU's NIC number i of the host its carrier, or takes it. The kernel sees it at once with the model
// virtio-net-pci.
func Carrier(t testing.TB, i int, up bool) {
	t.Helper()
	if _, err := QMP("set_link", map[string]any{"name": "nic" + strconv.Itoa(i), "up": up}); err != nil {
		t.Fatal(err)
	}
}

// Unplug takes QEMU's NIC number i of the host out of its slot and waits until it is gone. A NIC with its own MAC is
// put back in when the test ends.
func Unplug(t testing.TB, i int) {
	t.Helper()
	unplug(t, i)
	t.Cleanup(func() {
		if plugged(t, i) {
			unplug(t, i)
		}
		plug(t, i, agent.HostMAC(i))
	})
}

// Plug puts a NIC with that MAC into the slot that Unplug has emptied. It appears in the host's first network
// namespace; AdoptNIC brings it into the test's.
func Plug(t testing.TB, i int, mac string) {
	t.Helper()
	plug(t, i, mac)
}

// AdoptNIC waits for a plugged NIC and brings it, down, into the network of the test.
func AdoptNIC(t testing.TB, mac, name string) {
	t.Helper()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	rootHost(t).hand(t, mac, name, own)
}

func plug(t testing.TB, i int, mac string) {
	t.Helper()
	n := strconv.Itoa(i)
	_, err := QMP("device_add", map[string]any{
		"driver": "virtio-net-pci", "netdev": "hn" + n, "id": "nic" + n, "bus": "port" + n, "mac": mac,
		"speed": 10000, "duplex": "full",
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unplug asks the guest to let go of the device until it has: a request in the first seconds after plugging, while the
// slot's light blinks, takes effect later (PCI Express Base Specification, 6.7.1.5).
func unplug(t testing.TB, i int) {
	t.Helper()
	asked := time.Time{}
	Await(t, fmt.Sprintf("NIC %d is unplugged", i), patience, func() bool {
		if time.Since(asked) > 15*time.Second {
			_, _ = QMP("device_del", map[string]any{"id": "nic" + strconv.Itoa(i)}) // refused while one is pending
			asked = time.Now()
		}
		return !plugged(t, i)
	})
}

func plugged(t testing.TB, i int) bool {
	t.Helper()
	text, err := QMP("qom-list", map[string]any{"path": "/machine/peripheral"})
	if err != nil {
		t.Fatal(err)
	}
	var children []struct{ Name string }
	if err := json.Unmarshal(text, &children); err != nil {
		t.Fatal(err)
	}
	for _, child := range children {
		if child.Name == "nic"+strconv.Itoa(i) {
			return true
		}
	}
	return false
}
