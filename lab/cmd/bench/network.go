package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A bench times things on one host.
type bench struct {
	holdfast, dir string
	rounds        int
}

// rows are what is measured, in the order of result.cells.
var rows = []struct{ what, peer, goal string }{
	{"apply", "`ip -batch`", "1.0"},
	{"apply again", "`ip -j -d link` + `ip -j addr`", "1.0"},
	{"remove all", "deletion of one link group", "1.3"},
	{"show", "`ip -j -d link` + `ip -j addr` + `ip -j route`", "0.6"},
	{"memory of apply", "", "64 MiB"},
}

// A result is one column.
type result struct {
	networks     int
	cells        []string
	apply, batch float64 // seconds
}

// samples are the times of all rounds, in seconds, by what was timed.
type samples map[string][]float64

// prepare makes the bond that all networks sit on.
func (b *bench) prepare() error {
	return ip("link add bench0 type dummy", "link add bench1 type dummy",
		"link add bond0 type bond mode active-backup miimon 100",
		"link set bench0 master bond0", "link set bench1 master bond0", "link set bond0 up")
}

// ip runs ip(8) for each line.
func ip(lines ...string) error {
	for _, line := range lines {
		out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
	}
	return nil
}

// group is the link group that the bare deletion deletes.
const group = "4242"

// size measures one number of networks.
func (b *bench) size(n int) (result, error) {
	files, err := b.write(n)
	if err != nil {
		return result{}, err
	}
	times, memory := samples{}, int64(0)
	for range b.rounds {
		used, err := b.round(files, times)
		if err != nil {
			return result{}, err
		}
		memory = max(memory, used)
	}
	ratio := func(ours, theirs string) string {
		list := make([]float64, len(times[ours]))
		for i := range list {
			list[i] = times[ours][i] / times[theirs][i]
		}
		return fmt.Sprintf("%.2f (%.3g s / %.3g s)", median(list), median(times[ours]), median(times[theirs]))
	}
	return result{
		networks: n, apply: median(times["apply"]), batch: median(times["batch"]),
		cells: []string{
			ratio("apply", "batch"), ratio("again", "dump"), ratio("remove", "group"), ratio("show", "dump all"),
			fmt.Sprintf("%.1f MiB", float64(memory)/1024),
		},
	}, nil
}

// round times everything once, peers and holdfast in turn.
func (b *bench) round(f files, times samples) (memory int64, err error) {
	steps := []struct {
		name string
		args [][]string
	}{
		{"batch", [][]string{{"ip", "-batch", f.batch}}},
		{"dump", [][]string{{"ip", "-j", "-d", "link"}, {"ip", "-j", "addr"}}},
		{"", [][]string{{"ip", "-batch", f.groups}}},
		{"group", [][]string{{"ip", "link", "del", "group", group}}},
		{"apply", [][]string{{b.holdfast, "apply", f.document}}},
		{"again", [][]string{{b.holdfast, "apply", f.document}}},
		{"show", [][]string{{b.holdfast, "show"}}},
		{"dump all", [][]string{{"ip", "-j", "-d", "link"}, {"ip", "-j", "addr"}, {"ip", "-j", "route"}}},
		{"remove", [][]string{{b.holdfast, "apply", f.absent}}},
	}
	for _, s := range steps {
		elapsed, used, err := b.time(s.args)
		if err != nil {
			return memory, err
		}
		if s.name == "apply" {
			memory = max(memory, used)
		}
		if s.name != "" {
			times[s.name] = append(times[s.name], elapsed)
		}
	}
	return memory, nil
}

// time runs programs one after the other. used is the largest memory of one of
// them, in KiB.
func (b *bench) time(commands [][]string) (seconds float64, used int64, err error) {
	for _, args := range commands {
		args = b.dirs(args)
		cmd := exec.Command(args[0], args[1:]...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = io.Discard, &stderr
		start := time.Now()
		err := cmd.Run()
		seconds += time.Since(start).Seconds()
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			used = max(used, usage.Maxrss)
		}
	}
	return seconds, used, nil
}

// dirs gives holdfast directories of its own.
func (b *bench) dirs(args []string) []string {
	if args[0] != b.holdfast {
		return args
	}
	return append([]string{args[0], "--run-dir", b.dir, "--state-dir", b.dir}, args[1:]...)
}

// files are the inputs for one number of networks.
type files struct{ batch, groups, document, absent string }

// write writes the inputs: each network is a VLAN on the bond under a bridge
// with one address.
func (b *bench) write(n int) (files, error) {
	var batch, groups, document, absent strings.Builder
	document.WriteString("interfaces:\n")
	absent.WriteString("interfaces:\n")
	for i := 1; i <= n; i++ {
		address := fmt.Sprintf("10.%d.%d.1", i/256, i%256)
		fmt.Fprintf(&batch, "link add link bond0 name v%d type vlan id %d\nlink add br%d type bridge stp_state 0\nlink set v%d master br%d\nlink set v%d up\nlink set br%d up\naddr add %s/24 dev br%d\n", i, i, i, i, i, i, i, address, i)
		fmt.Fprintf(&groups, "link set v%d group %s\nlink set br%d group %s\n", i, group, i, group)
		fmt.Fprintf(&document, "- name: v%d\n  type: vlan\n  state: up\n  vlan:\n    base-iface: bond0\n    id: %d\n", i, i)
		fmt.Fprintf(&document, "- name: br%d\n  type: linux-bridge\n  state: up\n  bridge:\n    options:\n      stp:\n        enabled: false\n    port:\n    - name: v%d\n  ipv4:\n    enabled: true\n    address:\n    - ip: %s\n      prefix-length: 24\n", i, i, address)
		fmt.Fprintf(&absent, "- name: v%d\n  type: vlan\n  state: absent\n- name: br%d\n  type: linux-bridge\n  state: absent\n", i, i)
	}
	f := files{
		batch: filepath.Join(b.dir, "batch"), groups: filepath.Join(b.dir, "groups"),
		document: filepath.Join(b.dir, "networks.yml"), absent: filepath.Join(b.dir, "absent.yml"),
	}
	var failures []error
	for path, text := range map[string]string{f.batch: batch.String(), f.groups: groups.String(), f.document: document.String(), f.absent: absent.String()} {
		failures = append(failures, os.WriteFile(path, []byte(text), 0o600))
	}
	return f, errors.Join(failures...)
}
