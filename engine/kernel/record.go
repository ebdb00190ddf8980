package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
)

// recordVersion is the format of the record; a newer one is not read.
const recordVersion = 1

// record names the interfaces that holdfast answers for in this boot. It lies
// in the run directory, so that a reboot forgets it.
type record struct {
	// Version is the format's.
	Version int `json:"version"`
	// Namespace is the network namespace that it speaks of.
	Namespace string `json:"namespace"`
	// Owned maps an interface's name to its index: a link that others made
	// anew under the name is not ours.
	Owned map[string]int `json:"owned"`
	// Ageing are the ageing times of our bridges, by name.
	Ageing map[string]ageingTime `json:"ageing,omitempty"`
	// Notes are what documents say of interfaces and no kernel knows, by name.
	Notes map[string]note `json:"notes,omitempty"`
}

// owns tells whether the link is ours.
func (r record) owns(name string, index int) bool {
	owned, found := r.Owned[name]
	return found && owned == index
}

// recordFile is where the record of a run directory lies.
func recordFile(runDir string) string { return filepath.Join(runDir, "owned.json") }

// readRecord reads the record of a namespace. One that is missing, of another namespace, or
// damaged is an empty one; damage is logged.
func readRecord(runDir, namespace string, log *slog.Logger) record {
	none := record{Version: recordVersion, Namespace: namespace, Owned: map[string]int{}}
	if runDir == "" {
		return none
	}
	data, err := os.ReadFile(recordFile(runDir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return none
	}
	var r record
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err == nil && r.Version > recordVersion {
		err = fmt.Errorf("version %d is newer than %d", r.Version, recordVersion)
	}
	if err != nil {
		log.Warn("the record of owned interfaces cannot be read: links of others' kind count as foreign", "file", recordFile(runDir), "err", err)
		return none
	}
	if r.Namespace != none.Namespace || r.Owned == nil {
		return none
	}
	return r
}

// write stores the record, unless it is there already.
func (r record) write(runDir string) error {
	if runDir == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if old, err := os.ReadFile(recordFile(runDir)); err == nil && slices.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(recordFile(runDir), data, 0o644, renameio.IgnoreUmask())
}

// usable tries whether the record can be written later, when it is too late to
// refuse. That it belongs to somebody else is no error: who has only
// CAP_NET_ADMIN may change the network, and is warned that it is not on record.
func usable(runDir string) error {
	if runDir == "" {
		return nil
	}
	err := os.MkdirAll(runDir, 0o755)
	if err == nil {
		err = tryFile(runDir)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// tryFile makes a file in a directory, and removes it.
func tryFile(dir string) error {
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// namespace identifies the network namespace of the calling thread.
func namespace() string {
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return ""
	}
	return name
}
