// Package channel is the wire between the machine outside and the agent inside the lab: frames on a virtio-serial port.
//
// A frame is one byte of kind, the number of the job that it belongs to, a length, and that many bytes. Jobs are
// numbered by the outside; 0 is the machine itself.
package channel

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Kind tells what a frame carries.
type Kind byte

// The kinds of frames, with what their payload is and who sends them.
const (
	Ready    Kind = 'r' // inside: the agent serves jobs; no payload
	Start    Kind = 'j' // outside: a Job as JSON
	Stdin    Kind = 'i' // outside: bytes for standard input, an empty payload is its end
	Resize   Kind = 'w' // outside: a Size as JSON
	Stdout   Kind = 'o' // inside: bytes of standard output
	Stderr   Kind = 'e' // inside: bytes of standard error
	Exit     Kind = 'x' // inside: an Outcome as JSON; the last frame of a job
	Ask      Kind = 'q' // inside: a Request to the machine as JSON; the job number is the request's
	Answer   Kind = 'a' // outside: a Reply as JSON, numbered like its request
	Shutdown Kind = 'z' // outside: flush the disks; inside: that is done
)

// Where things lie inside the lab.
const (
	Dir    = "/.lab"                 // the agent's own folder
	Agent  = Dir + "/agent"          // the agent's binary
	Socket = Dir + "/agent.sock"     // where a test reaches the machine: one Request a line, one Reply a line
	Port   = "/dev/virtio-ports/lab" // a name for people; the agent finds the port by PortName
	// PortName is the name of the virtio-serial port that carries the frames.
	PortName = "lab"
	// Latch is the environment variable that is 1 inside the lab and nowhere else.
	Latch = "HOLDFAST_LAB"
)

// maxPayload bounds a frame; a longer one means that the stream is out of step.
const maxPayload = 1 << 20

// Boot is what the outside tells the agent by a file in the initial file system, before any channel exists.
type Boot struct {
	Early   []Module  // modules in the initial file system, in the order of loading
	Late    []Module  // modules below the machine's own root, loaded after the change of root
	Modules string    // folder that goes on /lib/modules, below the machine's own root
	Release string    // the kernel's release
	Outputs []string  // folders of the machine that stay writable; tag outN
	NICs    int       // how many QEMU NICs the host under test has, each with a peer for the switch
	Systemd bool      // systemd becomes process 1, and the agent its service
	Disk    string    // where the disk is mounted; empty: there is none
	Host    string    // host name
	Now     time.Time // the machine's clock
}

// Module is one kernel module.
type Module struct {
	Path       string // absolute
	Parameters string // as on modprobe's command line
}

// Job is one command to run in the lab, as root.
type Job struct {
	Args []string // program and arguments; the program is looked up in PATH
	Dir  string   // working directory
	Env  []string // the whole environment, KEY=VALUE
	TTY  bool     // on a terminal of its own: everything is then standard output
	Size Size     // of that terminal
}

// Size is a terminal's, in characters.
type Size struct{ Rows, Columns uint16 }

// Outcome is how a job ended.
type Outcome struct {
	Code  int    // exit code; 128 + the signal's number after a signal, 127 when the program could not be started
	Error string // why it could not be started; empty otherwise
}

// Request is something that only the machine outside can do.
type Request struct {
	Command   string         // a QMP command, or PowerCut
	Arguments map[string]any `json:",omitempty"`
}

// PowerCut is the request that ends the machine at once, with nothing written back.
const PowerCut = "power-cut"

// Reply answers a Request.
type Reply struct {
	Return json.RawMessage `json:",omitempty"`
	Error  string          `json:",omitempty"`
}

// Frame is one message.
type Frame struct {
	Kind    Kind
	Job     uint32
	Payload []byte
}

// Decode reads the payload as JSON into value.
func (f Frame) Decode(value any) error {
	if err := json.Unmarshal(f.Payload, value); err != nil {
		return fmt.Errorf("frame %c of job %d: %w", f.Kind, f.Job, err)
	}
	return nil
}

// Conn sends and receives frames. Any number of goroutines may send; one may receive.
type Conn struct {
	mu sync.Mutex
	rw io.ReadWriter
}

// New makes a Conn of a stream that keeps order and loses nothing. The caller closes the stream.
func New(rw io.ReadWriter) *Conn { return &Conn{rw: rw} }

// Send writes one frame; a payload that is too long for one is sent as several.
func (c *Conn) Send(kind Kind, job uint32, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		part := payload[:min(len(payload), maxPayload)]
		payload = payload[len(part):]
		frame := make([]byte, 9, 9+len(part))
		frame[0] = byte(kind)
		binary.BigEndian.PutUint32(frame[1:], job)
		binary.BigEndian.PutUint32(frame[5:], uint32(len(part)))
		if _, err := c.rw.Write(append(frame, part...)); err != nil {
			return err
		}
		if len(payload) == 0 {
			return nil
		}
	}
}

// SendJSON sends value as JSON in one frame.
func (c *Conn) SendJSON(kind Kind, job uint32, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.Send(kind, job, payload)
}

// Receive waits for the next frame.
func (c *Conn) Receive() (Frame, error) {
	var header [9]byte
	if _, err := io.ReadFull(c.rw, header[:]); err != nil {
		return Frame{}, err
	}
	length := binary.BigEndian.Uint32(header[5:])
	if length > maxPayload {
		return Frame{}, fmt.Errorf("channel out of step: a frame of %d bytes", length)
	}
	frame := Frame{Kind: Kind(header[0]), Job: binary.BigEndian.Uint32(header[1:]), Payload: make([]byte, length)}
	_, err := io.ReadFull(c.rw, frame.Payload)
	return frame, err
}

// Writer returns a writer whose every Write is a frame of the job.
func (c *Conn) Writer(kind Kind, job uint32) io.Writer { return &writer{c, kind, job} }

type writer struct {
	conn *Conn
	kind Kind
	job  uint32
}

func (w *writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := w.conn.Send(w.kind, w.job, p); err != nil {
		return 0, err
	}
	return len(p), nil
}
