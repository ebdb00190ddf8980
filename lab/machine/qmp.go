package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// qmp speaks QEMU's machine protocol (docs/interop/qmp-spec): one command at a time, events are dropped.
type qmp struct {
	stream *os.File

	mu    sync.Mutex
	lines *bufio.Reader
	open  bool // capabilities have been negotiated
}

func newQMP(stream *os.File) *qmp { return &qmp{stream: stream, lines: bufio.NewReader(stream)} }

func (q *qmp) close() { _ = q.stream.Close() }

// do executes a command and returns what it returned.
func (q *qmp) do(command string, arguments map[string]any) (json.RawMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		if _, err := q.execute("qmp_capabilities", nil); err != nil {
			return nil, err
		}
		q.open = true
	}
	return q.execute(command, arguments)
}

func (q *qmp) execute(command string, arguments map[string]any) (json.RawMessage, error) {
	request := map[string]any{"execute": command}
	if len(arguments) > 0 {
		request["arguments"] = arguments
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := q.stream.Write(append(text, '\n')); err != nil {
		return nil, fmt.Errorf("QMP %s: %w", command, err)
	}
	for {
		line, err := q.lines.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("QMP %s: %w", command, err)
		}
		var reply struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := json.Unmarshal(line, &reply); err != nil {
			return nil, fmt.Errorf("QMP %s: %w", command, err)
		}
		switch {
		case reply.Error != nil:
			return nil, errors.New("QMP " + command + ": " + reply.Error.Desc)
		case reply.Return != nil:
			return reply.Return, nil
		}
	}
}
