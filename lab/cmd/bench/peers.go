package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience bounds how long a peer may take.
const patience = 20 * time.Minute

// A peer is another network manager that makes the same networks out of its
// own files.
type peer struct {
	name string
	// program must be there.
	program string
	// files writes the configuration of n networks.
	files func(n int) map[string]string
	// start has the peer carry it out; it may go on in the background.
	start [][]string
	// stop ends the peer.
	stop [][]string
}

var peers = []peer{
	{
		name: "ifupdown2", program: "ifup", files: ifupdown2,
		// Its lock lies where the service would have made the folder.
		start: [][]string{{"mkdir", "-p", "/run/network"}, {"ifup", "-a"}},
	},
	{
		name: "systemd-networkd", program: "networkctl", files: networkd,
		start: [][]string{{"systemctl", "restart", "systemd-networkd"}},
		stop:  [][]string{{"systemctl", "stop", "systemd-networkd.socket", "systemd-networkd"}},
	},
	{
		name: "NetworkManager", program: "nmcli", files: networkManager,
		start: [][]string{{"systemctl", "restart", "NetworkManager"}},
		stop:  [][]string{{"systemctl", "stop", "NetworkManager"}},
	},
}

// peerTable measures every peer that is installed, and holdfast, against
// ip -batch.
func (b *bench) peerTable(n int) error {
	f, err := b.write(n)
	if err != nil {
		return err
	}
	settle()
	batch, err := b.once(f, [][]string{{"ip", "-batch", f.batch}}, n)
	if err != nil {
		return err
	}
	ours, err := b.once(f, [][]string{{b.holdfast, "apply", f.document}}, n)
	if err != nil {
		return err
	}
	fmt.Printf("| who | %d networks | of `ip -batch` |\n| --- | --- | --- |\n", n)
	fmt.Printf("| ip -batch | %.3g s | 1.0 |\n| holdfast | %.3g s | %.2f |\n", batch, ours, ours/batch)
	for _, p := range peers {
		if _, err := exec.LookPath(p.program); err != nil {
			fmt.Printf("| %s | not installed | |\n", p.name)
			continue
		}
		seconds, err := b.peer(f, p, n)
		if err != nil {
			fmt.Printf("| %s | %s | |\n", p.name, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Printf("| %s | %.3g s | %.1f |\n", p.name, seconds, seconds/batch)
	}
	return nil
}

// settle waits until the boot is over: until then services of the host hold the
// peers' locks and take their share of the processor. How the boot ended is of
// no interest.
func settle() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = exec.CommandContext(ctx, "systemctl", "is-system-running", "--wait").Run()
}

// peer measures one manager and removes what it made.
func (b *bench) peer(f files, p peer, n int) (float64, error) {
	var written []string
	for path, text := range p.files(n) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return 0, err
		}
		if strings.HasPrefix(path, "/etc/systemd/network") {
			if err := os.Chmod(path, 0o644); err != nil {
				return 0, err
			}
		}
		written = append(written, path)
	}
	seconds, err := b.once(f, p.start, n)
	for _, path := range written {
		_ = os.Remove(path)
	}
	if _, _, stopErr := b.time(p.stop); err == nil {
		err = stopErr
	}
	return seconds, err
}

// once has something make n networks, waits until all are there, and removes
// them.
func (b *bench) once(f files, commands [][]string, n int) (float64, error) {
	start := time.Now()
	if _, _, err := b.time(commands); err != nil {
		return 0, err
	}
	for !complete(n) {
		if time.Since(start) > patience {
			return 0, fmt.Errorf("not done after %v", patience)
		}
		time.Sleep(100 * time.Millisecond)
	}
	seconds := time.Since(start).Seconds()
	_, _, err := b.time([][]string{{"ip", "-batch", f.groups}, {"ip", "link", "del", "group", group}})
	return seconds, err
}

// complete tells whether all bridges have their address.
func complete(n int) bool {
	out, err := exec.Command("ip", "-o", "-4", "addr").Output()
	return err == nil && strings.Count(string(out), ": br") >= n
}

// address is that of a network's bridge.
func address(i int) string { return fmt.Sprintf("10.%d.%d.1/24", i/256, i%256) }

func ifupdown2(n int) map[string]string {
	var text strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&text, "auto v%d\niface v%d\n\tvlan-raw-device bond0\n\tvlan-id %d\n\nauto br%d\niface br%d\n\taddress %s\n\tbridge-ports v%d\n\tbridge-stp off\n\n", i, i, i, i, i, address(i), i)
	}
	return map[string]string{"/etc/network/interfaces": text.String()}
}

func networkd(n int) map[string]string {
	const dir = "/etc/systemd/network/"
	files := map[string]string{}
	var base strings.Builder
	base.WriteString("[Match]\nName=bond0\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&base, "VLAN=v%d\n", i)
		files[fmt.Sprintf("%sv%d.netdev", dir, i)] = fmt.Sprintf("[NetDev]\nName=v%d\nKind=vlan\n[VLAN]\nId=%d\n", i, i)
		files[fmt.Sprintf("%sbr%d.netdev", dir, i)] = fmt.Sprintf("[NetDev]\nName=br%d\nKind=bridge\n[Bridge]\nSTP=no\n", i)
		files[fmt.Sprintf("%sv%d.network", dir, i)] = fmt.Sprintf("[Match]\nName=v%d\n[Network]\nBridge=br%d\n", i, i)
		files[fmt.Sprintf("%sbr%d.network", dir, i)] = fmt.Sprintf("[Match]\nName=br%d\n[Network]\nAddress=%s\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n", i, address(i))
	}
	files[dir+"bond0.network"] = base.String()
	return files
}

func networkManager(n int) map[string]string {
	const dir = "/etc/NetworkManager/system-connections/"
	files := map[string]string{
		"/etc/NetworkManager/conf.d/bench.conf": "[main]\nplugins=keyfile\ndns=none\nno-auto-default=*\n[device]\nmatch-device=*\nmanaged=1\n",
	}
	for i := 1; i <= n; i++ {
		files[fmt.Sprintf("%sbr%d.nmconnection", dir, i)] = fmt.Sprintf("[connection]\nid=br%d\ntype=bridge\ninterface-name=br%d\n[bridge]\nstp=false\n[ipv4]\nmethod=manual\naddress1=%s\n[ipv6]\nmethod=disabled\n", i, i, address(i))
		files[fmt.Sprintf("%sv%d.nmconnection", dir, i)] = fmt.Sprintf("[connection]\nid=v%d\ntype=vlan\ninterface-name=v%d\nmaster=br%d\nslave-type=bridge\n[vlan]\nid=%d\nparent=bond0\n", i, i, i, i)
	}
	return files
}
