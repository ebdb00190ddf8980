package resolver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ErrOwned is returned when the file belongs to a program that cannot be told
// what to write into it. ErrOptions when the owner knows no options.
var (
	ErrOwned   = errors.New("resolv.conf is written by NetworkManager, which would overwrite it")
	ErrOptions = errors.New("systemd-resolved takes no resolver options")
)

// name is what our own files and records are called at the owners'.
const name = "holdfast"

// Config reads what is configured, and Running what is in force. On a plain
// file they are the same.
func (h *Host) Config() (config, running Config, err error) {
	owner, err := h.Owner()
	if err != nil {
		return config, running, err
	}
	text, err := h.read(h.resolvConf())
	if err != nil {
		return config, running, err
	}
	running = Parse(text).WithoutStubs()
	switch owner {
	case Resolved:
		return h.resolved(running)
	case Resolvconf:
		text, err := h.read(h.resolvconfRecord())
		return Parse(text), running, err
	case NetworkManager:
		return Config{}, running, nil
	default:
		return running, running, nil
	}
}

// resolved reads systemd-resolved's files: its own configuration, and the
// servers in force that it writes out for programs that ask them directly.
func (h *Host) resolved(running Config) (Config, Config, error) {
	config, err := h.resolvedConfig()
	if err != nil {
		return config, running, err
	}
	text, err := h.read(h.path("/run/systemd/resolve/resolv.conf"))
	if err != nil {
		return config, running, err
	}
	if text != "" {
		running = Parse(text).WithoutStubs()
	}
	return config, Config{Servers: running.Servers, Search: running.Search}, nil
}

// Set makes c the configuration, through the file's owner. Nothing is written
// where c is configured already.
func (h *Host) Set(ctx context.Context, c Config) error {
	owner, err := h.Owner()
	if err != nil {
		return err
	}
	config, _, err := h.Config()
	if err != nil || config.Equal(c) {
		return err
	}
	switch owner {
	case Resolved:
		return h.setResolved(c)
	case Resolvconf:
		return h.setResolvconf(ctx, c)
	case NetworkManager:
		return ErrOwned
	default:
		return h.setPlain(c)
	}
}

// setPlain rewrites resolv.conf in place of what it configures.
func (h *Host) setPlain(c Config) error {
	text, err := h.read(h.resolvConf())
	if err != nil {
		return err
	}
	return write(h.resolvConf(), Rewrite(text, c))
}

// dropIn is our file in systemd-resolved's configuration (resolved.conf(5)).
func (h *Host) dropIn() string { return h.path("/etc/systemd/resolved.conf.d/90-" + name + ".conf") }

// setResolved writes our drop-in and has systemd-resolved read it. An empty
// assignment first takes back what earlier files said.
func (h *Host) setResolved(c Config) error {
	if len(c.Options) > 0 {
		return ErrOptions
	}
	text := "# Written by holdfast.\n[Resolve]\nDNS=\n"
	if len(c.Servers) > 0 {
		text += "DNS=" + strings.Join(c.Servers, " ") + "\n"
	}
	text += "Domains=\n"
	if len(c.Search) > 0 {
		text += "Domains=" + strings.Join(c.Search, " ") + "\n"
	}
	if err := os.MkdirAll(filepath.Dir(h.dropIn()), 0o755); err != nil {
		return err
	}
	if err := write(h.dropIn(), text); err != nil {
		return err
	}
	return h.Restart("systemd-resolved.service")
}

// resolvedConfig adds up DNS= and Domains= of resolved.conf and its drop-ins.
func (h *Host) resolvedConfig() (Config, error) {
	var c Config
	for _, path := range h.resolvedFiles() {
		text, err := h.read(path)
		if err != nil {
			return c, err
		}
		for line := range strings.SplitSeq(text, "\n") {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch strings.TrimSpace(key) {
			case "DNS":
				c.Servers = assign(c.Servers, value, bareServer)
			case "Domains":
				c.Search = assign(c.Search, value, strings.TrimSpace)
			}
		}
	}
	return c, nil
}

// resolvedFiles lists resolved.conf and its drop-ins in the order of
// systemd.unit(5): by file name, /etc before /run before /usr/lib for one name.
func (h *Host) resolvedFiles() []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib", "/run", "/etc"} {
		found, _ := filepath.Glob(h.path(dir + "/systemd/resolved.conf.d/*.conf"))
		for _, path := range found {
			byName[filepath.Base(path)] = path
		}
	}
	files := []string{h.path("/etc/systemd/resolved.conf")}
	for _, base := range slices.Sorted(func(yield func(string) bool) {
		for base := range byName {
			if !yield(base) {
				return
			}
		}
	}) {
		files = append(files, byName[base])
	}
	return files
}

// assign is systemd's list assignment: words add up, an empty value resets.
func assign(list []string, value string, clean func(string) string) []string {
	words := strings.Fields(value)
	if len(words) == 0 {
		return nil
	}
	for _, word := range words {
		list = append(list, clean(word))
	}
	return list
}

// bareServer takes the port, interface decoration and server name off an
// entry of DNS= ("[2001:db8::1]:53%eth0#name").
func bareServer(entry string) string {
	entry, _, _ = strings.Cut(entry, "#")
	if rest, ok := strings.CutPrefix(entry, "["); ok {
		address, after, _ := strings.Cut(rest, "]")
		if _, zone, ok := strings.Cut(after, "%"); ok {
			address += "%" + zone
		}
		return canonical(address)
	}
	if host, _, ok := strings.Cut(entry, ":"); ok && strings.Contains(host, ".") {
		return host
	}
	return canonical(entry)
}

// resolvconfRecord is where resolvconf keeps what we told it: Debian's own in
// interface/, openresolv in keys/ or interfaces/.
func (h *Host) resolvconfRecord() string {
	dirs := []string{"/run/resolvconf/interface", "/run/resolvconf/keys", "/run/resolvconf/interfaces"}
	for _, dir := range dirs {
		path := h.path(dir + "/" + name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return h.path(dirs[0] + "/" + name)
}

// setResolvconf tells resolvconf(8) our record; the one program that is run.
func (h *Host) setResolvconf(ctx context.Context, c Config) error {
	args := []string{"-a", name}
	if c.Empty() {
		args[0] = "-d"
	}
	cmd := exec.CommandContext(ctx, "resolvconf", args...)
	cmd.Stdin = strings.NewReader(Rewrite("", c))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("resolvconf %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// Image is what a rollback needs to bring the configuration back.
type Image struct {
	// Owner wrote resolv.conf at that time.
	Owner Owner `json:"owner"`
	// Config was configured.
	Config Config `json:"config"`
	// File is the plain file's or our drop-in's content; nil if there was none.
	File *string `json:"file"`
}

// Save takes a picture of the configuration.
func (h *Host) Save() (Image, error) {
	var image Image
	var err error
	if image.Owner, err = h.Owner(); err != nil {
		return image, err
	}
	if image.Config, _, err = h.Config(); err != nil {
		return image, err
	}
	image.File, err = content(h.file(image.Owner))
	return image, err
}

// Restore brings the picture back. Nothing is written where nothing differs.
func (h *Host) Restore(ctx context.Context, image Image) error {
	now, err := h.Save()
	if err != nil {
		return err
	}
	if now.Owner == Resolvconf || now.Owner != image.Owner {
		if now.Owner == NetworkManager || now.Config.Equal(image.Config) {
			return nil
		}
		return h.Set(ctx, image.Config)
	}
	if same(now.File, image.File) || now.Owner == NetworkManager {
		return nil
	}
	if err := put(h.file(image.Owner), image.File); err != nil {
		return err
	}
	if image.Owner == Resolved {
		return h.Restart("systemd-resolved.service")
	}
	return nil
}

// file is the one that Set writes for an owner.
func (h *Host) file(owner Owner) string {
	if owner == Resolved {
		return h.dropIn()
	}
	return h.resolvConf()
}

// content is a file's text, nil if there is none.
func content(path string) (*string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	text := string(data)
	return &text, err
}

// put writes a file, or removes it.
func put(path string, text *string) error {
	if text != nil {
		return write(path, *text)
	}
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// same tells whether both are there with one content, or neither.
func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
