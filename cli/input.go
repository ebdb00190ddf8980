package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/api"
	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/state"
)

// stdinName is how standard input is called in messages.
const stdinName = "<stdin>"

// maxInput is the size in bytes above which a file is not read; what is above
// document.MaxSize is refused by its reader with a better message.
const maxInput = 65 << 20

// desired reads the files and combines them: several files are one change.
func (a *app) desired(files []string) (*state.State, error) {
	states := make([]*state.State, 0, len(files))
	var problems problem.List
	for _, file := range files {
		name, data, err := a.read(file)
		if err != nil {
			return nil, err
		}
		a.documents = append(a.documents, api.Document{Name: name, Text: string(data)})
		s, err := state.Parse(name, data)
		problems.AddError(err)
		states = append(states, s)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	combined, err := state.Combine(states...)
	if err != nil {
		return nil, err
	}
	if err := combined.Validate(); err != nil {
		return nil, err
	}
	return combined, nil
}

// read reads one file, or standard input for "-", and gives it its name.
func (a *app) read(file string) (name string, data []byte, err error) {
	from := a.in
	name = stdinName
	if file != "-" {
		name = file
		f, err := os.Open(file)
		if err != nil {
			return "", nil, readError(file, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	if from == nil {
		from = strings.NewReader("")
	}
	data, err = io.ReadAll(io.LimitReader(from, maxInput))
	if err != nil {
		return "", nil, readError(name, err)
	}
	return name, data, nil
}

func readError(file string, err error) error {
	kind, hint := engine.Invalid, ""
	if file == "" {
		file = `""`
	}
	switch {
	case errors.Is(err, syscall.EISDIR):
		hint = "name the files in it; several files are one change"
	case errors.Is(err, os.ErrNotExist):
		kind, hint = engine.NotFound, "give the path of a YAML or JSON file, or - for standard input"
	case errors.Is(err, os.ErrPermission):
		kind, hint = engine.Permission, "run as a user who may read it, or pipe it in and give - as the file"
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return &engine.Error{Op: "read", Object: file, Kind: kind, Hint: hint, Err: err}
}

// filesWanted checks that a command got at least one file, and standard input
// at most once.
func filesWanted(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return &usageError{
			message: c.Name() + ": no file given",
			hint:    "holdfast " + c.Use + ", where - is standard input",
		}
	}
	stdin := 0
	for _, arg := range args {
		if arg == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return &usageError{message: fmt.Sprintf("standard input (-) is given %d times", stdin), hint: "it can be read only once"}
	}
	return nil
}

// noArguments checks that a command got none.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{message: fmt.Sprintf("%s: unexpected argument %q", c.Name(), args[0]), hint: "see " + c.CommandPath() + " --help"}
	}
	return nil
}

// flagNames lists the long flags of a command, its inherited ones included.
func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
