package kernel

import (
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab"
)

// TestCompressedModule loads a module from a compressed file: the kernel unpacks
// it where it can, and a gzip file is unpacked for one that cannot.
func TestCompressedModule(t *testing.T) {
	lab.Require(t)
	const name = "nlmon"
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	files, err := moduleFiles("/lib/modules/"+unix.ByteSliceToString(uts.Release[:]), name)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	image, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.DeleteModule(name, 0)
	packed := filepath.Join(t.TempDir(), name+".ko.gz")
	f, err := os.Create(packed)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write(image)
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // one that is loaded already is fine
		if err := insert(packed, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat("/sys/module/" + name); err != nil {
		t.Error(err)
	}
	_ = unix.DeleteModule(name, 0)
	damaged := filepath.Join(t.TempDir(), name+".ko.xz")
	if err := os.WriteFile(damaged, image[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := insert(damaged, ""); err == nil {
		t.Error("a damaged file was loaded")
	} else if kind := moduleFault(err); kind != "unsupported" {
		t.Errorf("%v is of kind %s", err, kind)
	}
}
