package store

import "testing"

// Sealed is a file of any content, with the right checksum.
func Sealed(t testing.TB, content string) []byte {
	t.Helper()
	return wrap([]byte(content), wideDepth)
}
