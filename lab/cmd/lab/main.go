// Command lab boots throw-away hosts and runs commands and tests in them. It is also what runs inside.
//
//	lab run [FLAGS] -- COMMAND ARGUMENT…    runs one command as root, with its output live and its exit code
//	lab shell [FLAGS]                       opens a shell on this terminal
//	lab exec TEST-BINARY FLAG…              runs a test binary's lab tests, spread over several labs (go test -exec)
//	lab tests PACKAGE-DIR…                  prints the folders among these that have lab tests
//	lab power-cut                           inside a lab: ends it at once
//	lab qmp COMMAND [JSON]                  inside a lab: has QEMU execute a command
package main

import (
	"errors"
	"fmt"
	"os"

	"holdfast/lab/agent"
)

func main() {
	if os.Getpid() == 1 && os.Args[0] == "/init" {
		agent.Init()
	}
	code, err := dispatch(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var commands = map[string]func([]string) (int, error){
	"run":       run,
	"shell":     shell,
	"exec":      execTests,
	"tests":     listPackages,
	"power-cut": powerCut,
	"qmp":       qmp,
	"serve":     func([]string) (int, error) { return 1, agent.Serve() },
}

const usage = "usage: lab run|shell|exec|tests|power-cut|qmp …"

func dispatch(args []string) (int, error) {
	if len(args) == 0 {
		return 2, errors.New(usage)
	}
	command, ok := commands[args[0]]
	if !ok {
		return 2, fmt.Errorf("unknown command %q; %s", args[0], usage)
	}
	return command(args[1:])
}
