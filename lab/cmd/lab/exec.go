package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/lab/channel"
	"holdfast/lab/discover"
	"holdfast/lab/machine"
)

// A test that takes too long prints its goroutines; margin is the time before go test's own limit at which it does, and
// atLeast what each gets. One that does not even do that is ended with its machine after grace.
const (
	margin  = time.Minute
	atLeast = time.Minute
	grace   = 30 * time.Second
)

// suite is one test binary's lab tests on their way through the labs. Each test runs in a process of its own.
type suite struct {
	flags   testFlags
	queue   *queue
	started time.Time

	mu     sync.Mutex // guards the output too: a test's is printed whole
	failed int
	took   map[string]float64 // seconds by test
}

// execTests is what `go test -exec "lab exec"` calls, in the package's folder.
func execTests(args []string) (int, error) {
	if len(args) == 0 {
		return 2, errors.New("usage: lab exec TEST-BINARY FLAG…")
	}
	flags, err := parseTestFlags(args)
	if err != nil {
		return 2, err
	}
	tests, err := chosen(flags)
	if err != nil {
		return 1, err
	}
	if len(tests) == 0 {
		fmt.Println("testing: warning: no lab tests to run")
		fmt.Println("PASS")
		return 0, nil
	}
	s := &suite{flags: flags, took: readDurations(), started: time.Now()}
	s.queue = newQueue(tests, s.took)
	ctx, stop := limited(0)
	defer stop()
	if err := s.run(ctx); err != nil {
		return failure(err, 0)
	}
	writeDurations(s.took)
	if s.failed > 0 {
		fmt.Println(flags.mark + "FAIL")
		return 1, nil
	}
	fmt.Println(flags.mark + "PASS")
	return 0, nil
}

// chosen are the lab tests among those that the flags choose.
func chosen(flags testFlags) ([]discover.Test, error) {
	tests, err := discover.Tests(".")
	if err != nil || len(tests) == 0 {
		return nil, err
	}
	list := exec.Command(flags.binary, "-test.list", flags.topLevel())
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests of %s: %w", flags.binary, err)
	}
	names := strings.Fields(string(output))
	return slices.DeleteFunc(tests, func(test discover.Test) bool { return !slices.Contains(names, test.Name) }), nil
}

// labs is how many may run at once.
func labs() int {
	if n, err := strconv.Atoi(os.Getenv("HOLDFAST_LAB_JOBS")); err == nil && n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// run empties the queue with as many labs as there are processors; the first that cannot be booted ends all.
func (s *suite) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range min(labs(), s.queue.total) {
		workers.Go(func() {
			if err := s.work(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// work takes one kind of machine after the other, and on each the tests that want it.
func (s *suite) work(ctx context.Context) error {
	for {
		kind, ok := s.queue.join()
		if !ok {
			return nil
		}
		if err := s.serve(ctx, kind); err != nil {
			return err
		}
	}
}

// serve runs the tests of one kind on a machine.
func (s *suite) serve(ctx context.Context, kind discover.Machine) error {
	defer s.queue.leave(kind)
	var m *machine.Machine
	defer func() {
		if m != nil {
			m.Close()
		}
	}()
	for {
		test, ok := s.queue.next(kind)
		if !ok {
			return nil
		}
		var err error
		if m, err = s.finish(ctx, m, test, kind); err != nil {
			return err
		}
	}
}

// finish runs one test until its result counts, and returns the machine for the next one: nil after a failure, since
// that may have left anything behind.
func (s *suite) finish(ctx context.Context, m *machine.Machine, test string, kind discover.Machine) (*machine.Machine, error) {
	for attempt := 0; ; attempt++ {
		if m == nil {
			var err error
			if m, err = machine.Start(ctx, options(kind)); err != nil {
				return nil, err
			}
		}
		r := s.try(ctx, m, test)
		if ctx.Err() != nil {
			return m, context.Cause(ctx)
		}
		if !r.bad() {
			s.report(test, r)
			return m, nil
		}
		m.Close()
		m = nil
		if attempt >= reruns(r) {
			s.report(test, r)
			return nil, nil
		}
		tellRerun(test, r)
	}
}

// reruns is how often a test is run again that ended so: once when its machine died under it, and otherwise as often as
// HOLDFAST_LAB_RERUN says, by default never.
func reruns(r result) int {
	n, _ := strconv.Atoi(os.Getenv("HOLDFAST_LAB_RERUN"))
	if errors.Is(r.err, machine.ErrGone) {
		n = max(n, 1)
	}
	return n
}

// tellRerun says that a test is run again, and what it said, also to the file HOLDFAST_LAB_RERUN_LOG: go test does not
// show what packages print that pass in the end.
func tellRerun(test string, r result) {
	text := fmt.Sprintf("lab: %s went wrong and is run again: exit code %d, %v\n%s\n", test, r.code, r.err, r.output)
	fmt.Fprint(os.Stderr, text)
	path := os.Getenv("HOLDFAST_LAB_RERUN_LOG")
	if path == "" {
		return
	}
	log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		note(err.Error())
		return
	}
	defer log.Close()
	_, _ = log.WriteString(text)
}

func options(kind discover.Machine) machine.Options {
	return machine.Options{NICs: kind.NICs, Systemd: kind.Systemd, Memory: kind.Memory, Driver: kind.Driver, Append: kind.Append, Note: note}
}

// result is what became of one test.
type result struct {
	output []byte
	code   int
	err    error // the test could not be run to its end
	took   time.Duration
}

func (r result) bad() bool { return r.code != 0 || r.err != nil }

// output collects a test's standard output and error in the order of their arrival.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func (s *suite) try(ctx context.Context, m *machine.Machine, test string) result {
	var left time.Duration
	if s.flags.timeout > 0 {
		left = max(atLeast, s.flags.timeout-margin-time.Since(s.started))
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, left+grace, errTimeout)
		defer cancel()
	}
	dir, err := os.Getwd()
	if err != nil {
		return result{err: err}
	}
	var both output
	start := time.Now()
	code, err := m.Run(ctx, machine.Job{
		Job:    channel.Job{Args: s.flags.command(test, left), Dir: dir, Env: environment(nil)},
		Stdout: &both, Stderr: &both,
	})
	return result{both.Bytes(), code, err, time.Since(start)}
}

// report prints a test's output as go test would: all of it with -v, else that of failures.
func (s *suite) report(test string, r result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[test] = r.took.Seconds()
	bad := r.bad()
	text := s.flags.trim(r.output)
	if bad {
		s.failed++
	}
	if bad || s.flags.verbose {
		_, _ = os.Stdout.Write(text)
	}
	switch {
	case r.err != nil:
		fmt.Printf("%s--- FAIL: %s (%.2fs)\n    lab: %v\n", s.flags.mark, test, r.took.Seconds(), r.err)
	case bad && !bytes.Contains(text, []byte("--- FAIL: "+test)):
		fmt.Printf("%s--- FAIL: %s (%.2fs)\n    lab: exit code %d\n", s.flags.mark, test, r.took.Seconds(), r.code)
	}
}

// listPackages prints those of the folders that have lab tests.
func listPackages(dirs []string) (int, error) {
	for _, dir := range dirs {
		tests, err := discover.Tests(dir)
		if err != nil {
			return 1, err
		}
		if len(tests) > 0 {
			fmt.Println(filepath.Clean(dir))
		}
	}
	return 0, nil
}
