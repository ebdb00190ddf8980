package machine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"holdfast/lab/channel"
)

// Job is one command to run in the lab, as root.
type Job struct {
	channel.Job
	Stdin          io.Reader           // nil is empty; reading from it may go on after the job has ended
	Stdout, Stderr io.Writer           // nil discards; written to as the output comes
	Resized        <-chan channel.Size // new sizes of the terminal; nil: never
}

// ErrGone tells that the machine ended while a job was running: by a crash, a power cut or Close.
var ErrGone = errors.New("the lab ended")

// ErrPowerCut tells that the machine ended because a job cut its power.
var ErrPowerCut = errors.New("power cut")

// Run runs a job to its end and returns its exit code. When ctx ends first, the job is left alone and the caller
// closes the machine; the error is then context.Cause's. ErrGone is wrapped when the
// machine has gone, ErrPowerCut when the job itself wanted that.
func (m *Machine) Run(ctx context.Context, job Job) (int, error) {
	if job.Stdout == nil {
		job.Stdout = io.Discard
	}
	if job.Stderr == nil {
		job.Stderr = io.Discard
	}
	r := &running{stdout: job.Stdout, stderr: job.Stderr, done: make(chan channel.Outcome, 1)}
	m.mu.Lock()
	m.last++
	number := m.last
	m.jobs[number] = r
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.jobs, number)
		m.mu.Unlock()
	}()
	if err := m.conn.SendJSON(channel.Start, number, job.Job); err != nil {
		return 0, m.gone()
	}
	go m.feed(number, job.Stdin)
	for {
		select {
		case size := <-job.Resized:
			_ = m.conn.SendJSON(channel.Resize, number, size)
		case outcome := <-r.done:
			return result(outcome)
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-m.read:
			return lastOutcome(r, m)
		}
	}
}

// lastOutcome takes the outcome that arrived together with the channel's end.
func lastOutcome(r *running, m *Machine) (int, error) {
	select {
	case outcome := <-r.done:
		return result(outcome)
	default:
		return 0, m.gone()
	}
}

func result(outcome channel.Outcome) (int, error) {
	if outcome.Error != "" {
		return outcome.Code, errors.New(outcome.Error)
	}
	return outcome.Code, nil
}

func (m *Machine) gone() error {
	if m.cut.Load() {
		return ErrPowerCut
	}
	if words := m.lastWords(); words != "" {
		return fmt.Errorf("%w: %s", ErrGone, words)
	}
	return ErrGone
}

// feed passes standard input on until its end.
func (m *Machine) feed(number uint32, stdin io.Reader) {
	if stdin != nil {
		buffer := make([]byte, 32<<10)
		for {
			n, err := stdin.Read(buffer)
			if n > 0 && m.conn.Send(channel.Stdin, number, buffer[:n]) != nil {
				return
			}
			if err != nil {
				break
			}
		}
	}
	_ = m.conn.Send(channel.Stdin, number, nil)
}
