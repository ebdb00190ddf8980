package machine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast/lab/channel"
)

// Kernel is an unpacked Debian kernel.
type Kernel struct {
	Release string // as uname -r
	Image   string // the file to boot
	Modules string // the folder whose entry Release holds the modules

	needs map[string][]string // by path below Modules/Release: what it needs, in modules.dep's order
}

// Cache is the folder that every clone on the machine shares: kernel, tools. HOLDFAST_CACHE overrides it.
func Cache() (string, error) {
	if dir := os.Getenv("HOLDFAST_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "holdfast"), nil
}

// FindKernel finds what lab/setup.sh has unpacked.
func FindKernel() (Kernel, error) {
	cache, err := Cache()
	if err != nil {
		return Kernel{}, err
	}
	dir := filepath.Join(cache, "linux")
	text, err := os.ReadFile(filepath.Join(dir, "version"))
	if errors.Is(err, os.ErrNotExist) {
		return Kernel{}, fmt.Errorf("no kernel in %s: run `make setup`", dir)
	}
	if err != nil {
		return Kernel{}, err
	}
	release := strings.TrimSpace(string(text))
	k := Kernel{
		Release: release,
		Image:   filepath.Join(dir, "boot", "vmlinuz-"+release),
		Modules: filepath.Join(dir, "lib", "modules"),
	}
	return k, k.readNeeds()
}

// readNeeds reads modules.dep(5).
func (k *Kernel) readNeeds() error {
	file, err := os.Open(filepath.Join(k.Modules, k.Release, "modules.dep"))
	if err != nil {
		return err
	}
	defer file.Close()
	k.needs = map[string][]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		path, needs, _ := strings.Cut(lines.Text(), ":")
		k.needs[path] = strings.Fields(needs)
	}
	return lines.Err()
}

// Resolve gives the modules' files below Modules/Release in the order in which they can be loaded, dependencies
// included. A name may carry parameters: "bonding max_bonds=0".
func (k Kernel) Resolve(names ...string) ([]channel.Module, error) {
	paths := map[string]string{}
	for path := range k.needs {
		name := strings.TrimSuffix(filepath.Base(path), ".ko")
		paths[strings.ReplaceAll(name, "-", "_")] = path
	}
	var list []channel.Module
	seen := map[string]bool{}
	var add func(path, parameters string)
	add = func(path, parameters string) {
		if seen[path] {
			return
		}
		seen[path] = true
		for _, need := range k.needs[path] {
			add(need, "")
		}
		list = append(list, channel.Module{Path: path, Parameters: parameters})
	}
	for _, name := range names {
		name, parameters, _ := strings.Cut(name, " ")
		path, ok := paths[strings.ReplaceAll(name, "-", "_")]
		if !ok {
			return nil, fmt.Errorf("kernel %s has no module %s", k.Release, name)
		}
		add(path, parameters)
	}
	return list, nil
}
