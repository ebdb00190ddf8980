package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// sink is an output stream that remembers its first error and swallows what is
// written after it. A reader that went away is no error: that is how
// `holdfast show | head` ends. Several goroutines may write to it.
type sink struct {
	to io.Writer

	mu   sync.Mutex
	gone bool
	// err is the first error but EPIPE.
	err error
}

// failure is the first error of a write, or nil.
func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Write never fails: failure tells what went wrong.
func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone || s.err != nil || s.to == nil {
		return len(b), nil
	}
	_, err := s.to.Write(b)
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		s.gone = true
	case err != nil:
		s.err = err
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			s.err = pe.Err
		}
	}
	return len(b), nil
}

// json writes a value of strings, numbers and lists of them on one line, with
// <, > and & as they are: this is not for HTML.
func (s *sink) json(value any) {
	e := json.NewEncoder(s)
	e.SetEscapeHTML(false)
	_ = e.Encode(value)
}

// terminal tells whether the stream is one.
func (s *sink) terminal() bool {
	f, ok := s.to.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the terminal's width in columns, or 0 when there is none.
func (s *sink) width() int {
	f, ok := s.to.(*os.File)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}
