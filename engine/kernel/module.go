package kernel

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
)

// moduleParameters are what modules are loaded with that would otherwise make
// a link of their own as they start: bond0, dummy0.
var moduleParameters = map[string]string{"bonding": "max_bonds=0", "dummy": "numdummies=0"}

// loadModules loads the modules of the kinds of links that the plan makes. The
// kernel would load them by itself, but without those parameters: so one that
// makes a link as it starts must not be left to it.
func (e *Engine) loadModules(ctx context.Context, p *plan.Plan) error {
	done := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Verb != plan.CreateLink {
			continue
		}
		module := moduleOf(linkKinds[stepType(s)].name)
		if module == "" || done[module] {
			continue
		}
		done[module] = true
		err := ctx.Err()
		if err == nil {
			err = loadModule(module)
		}
		if err == nil {
			continue
		}
		if moduleParameters[module] == "" {
			e.log.Debug("module not loaded, the kernel may do it", "module", module, "err", err)
			continue
		}
		return &engine.StepError{Index: i, Step: s, Err: &engine.Error{
			Op: "load the kernel module " + module, Object: s.Object, Kind: moduleFault(err), Err: err,
			Hint: fmt.Sprintf("run \"modprobe %s %s\", or install the kernel's modules", module, moduleParameters[module]),
		}}
	}
	return nil
}

func moduleFault(err error) engine.Kind {
	if errors.Is(err, unix.EPERM) {
		return engine.Permission
	}
	return engine.Unsupported
}

// loadModule loads a module and what it stands on, unless it is there.
func loadModule(name string) error {
	if _, err := os.Stat("/sys/module/" + name); err == nil {
		return nil
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return err
	}
	dir := "/lib/modules/" + unix.ByteSliceToString(uts.Release[:])
	if builtin(dir, name) {
		return nil
	}
	files, err := moduleFiles(dir, name)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := insert(file, moduleParameters[moduleName(file)]); err != nil {
			return fmt.Errorf("load %s: %w", file, err)
		}
	}
	return nil
}

// builtin says whether a module is part of the kernel itself.
func builtin(dir, name string) bool {
	f, err := os.Open(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if moduleName(lines.Text()) == name {
			return true
		}
	}
	return false
}

// moduleFiles gives the files to load in order, the module itself last, as
// modules.dep(5) has them.
func moduleFiles(dir, name string) ([]string, error) {
	dep, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(dep) {
		file, needs, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !ok || moduleName(file) != name {
			continue
		}
		// What is named last is needed by those before it.
		words := append([]string{file}, strings.Fields(needs)...)
		files := make([]string, 0, len(words))
		for i := len(words) - 1; i >= 0; i-- {
			if !path.IsAbs(words[i]) {
				words[i] = filepath.Join(dir, words[i])
			}
			files = append(files, words[i])
		}
		return files, nil
	}
	return nil, fmt.Errorf("%s names no module %q: %w", filepath.Join(dir, "modules.dep"), name, os.ErrNotExist)
}

// moduleName is the name of the module in a file: kernel/net/8021q/8021q.ko.xz.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// insert loads one module file. One that is loaded already is fine. Compressed
// files are the kernel's to unpack (5.17), but for gzip on older ones.
func insert(file, parameters string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	flags := 0
	if !strings.HasSuffix(file, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	err = unix.FinitModule(int(f.Fd()), parameters, flags)
	if strings.HasSuffix(file, ".gz") && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)) {
		err = insertGzip(f, parameters)
	}
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// insertGzip unpacks a module and loads it.
func insertGzip(f *os.File, parameters string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	image, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	return unix.InitModule(image, parameters)
}
