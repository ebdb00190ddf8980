package agent

import (
	"os"
	"path/filepath"

	"holdfast/lab/channel"
)

// units are what makes systemd boot into the lab: no more than basic.target, and the agent.
var units = map[string]string{
	"lab.target": `[Unit]
Description=The lab
Requires=basic.target lab-agent.service
After=basic.target
AllowIsolate=yes
`,
	"lab-agent.service": `[Unit]
Description=Runs the lab's jobs
After=basic.target

[Service]
ExecStart=` + channel.Agent + ` serve
StandardOutput=null
StandardError=null
KillMode=process
Delegate=yes
OOMPolicy=continue
`,
}

// masked are units that a machine may have enabled and that would do something by themselves in the lab.
var masked = []string{
	"tmp.mount", "networking.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
	"e2scrub_all.timer", "fstrim.timer", "systemd-networkd-wait-online.service", "ifupdown-pre.service",
	"systemd-firstboot.service", "systemd-journal-flush.service", "keyboard-setup.service", "console-setup.service",
}

func writeUnits() error {
	const dir = "/etc/systemd/system"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range masked {
		path := filepath.Join(dir, name)
		_ = os.Remove(path)
		if err := os.Symlink("/dev/null", path); err != nil && !os.IsExist(err) {
			return err
		}
	}
	// The machine's /tmp has the tests' binaries in it: it is not emptied.
	if err := os.MkdirAll("/etc/tmpfiles.d", 0o755); err != nil {
		return err
	}
	if err := os.WriteFile("/etc/tmpfiles.d/tmp.conf", nil, 0o644); err != nil {
		return err
	}
	return os.WriteFile("/etc/fstab", nil, 0o644)
}
