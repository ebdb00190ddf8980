package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"holdfast/lab/channel"
)

// server runs the jobs of one lab and passes on what they ask of the machine outside.
type server struct {
	conn    *channel.Conn
	systemd bool

	mu       sync.Mutex
	jobs     map[uint32]*job
	requests map[uint32]chan channel.Reply // each is sent to once
	last     uint32                        // number of the newest request
}

// Serve runs jobs until the channel ends, which it does with the machine.
func Serve() error {
	boot, err := readBoot(bootFile)
	if err != nil {
		return err
	}
	stream, err := port()
	if err != nil {
		return err
	}
	defer stream.Close()
	s := &server{
		conn: channel.New(stream), systemd: boot.Systemd,
		jobs: map[uint32]*job{}, requests: map[uint32]chan channel.Reply{},
	}
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.conn.Send(channel.Ready, 0, nil); err != nil {
		return err
	}
	for {
		frame, err := s.conn.Receive()
		if err != nil {
			return fmt.Errorf("channel: %w", err)
		}
		if err := s.handle(frame); err != nil {
			say("lab: %v", err)
		}
	}
}

func (s *server) handle(frame channel.Frame) error {
	switch frame.Kind {
	case channel.Start:
		var what channel.Job
		if err := frame.Decode(&what); err != nil {
			return err
		}
		s.start(frame.Job, what)
	case channel.Stdin, channel.Resize:
		s.mu.Lock()
		target := s.jobs[frame.Job]
		s.mu.Unlock()
		if target != nil {
			return target.feed(frame)
		}
	case channel.Answer:
		var reply channel.Reply
		if err := frame.Decode(&reply); err != nil {
			return err
		}
		s.answer(frame.Job, reply)
	case channel.Shutdown:
		unix.Sync()
		return s.conn.Send(channel.Shutdown, 0, nil)
	}
	return nil
}

func (s *server) start(number uint32, what channel.Job) {
	j := newJob(s.conn, number, what, s.systemd)
	s.mu.Lock()
	s.jobs[number] = j
	s.mu.Unlock()
	go func() {
		outcome := j.run()
		s.mu.Lock()
		delete(s.jobs, number)
		s.mu.Unlock()
		_ = s.conn.SendJSON(channel.Exit, number, outcome)
	}()
}

func (s *server) answer(number uint32, reply channel.Reply) {
	s.mu.Lock()
	waiting := s.requests[number]
	delete(s.requests, number)
	s.mu.Unlock()
	if waiting != nil {
		waiting <- reply
	}
}

// listen opens the socket by which jobs reach the machine outside.
func (s *server) listen() error {
	_ = os.Remove(channel.Socket)
	listener, err := net.Listen("unix", channel.Socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go s.pass(client)
		}
	}()
	return nil
}

// pass carries one client's requests outside, one at a time.
func (s *server) pass(client net.Conn) {
	defer client.Close()
	lines := bufio.NewReader(client)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				say("lab: %v", err)
			}
			return
		}
		waiting := make(chan channel.Reply, 1)
		s.mu.Lock()
		s.last++
		number := s.last
		s.requests[number] = waiting
		s.mu.Unlock()
		if err := s.conn.Send(channel.Ask, number, line); err != nil {
			return
		}
		if err := json.NewEncoder(client).Encode(<-waiting); err != nil {
			return
		}
	}
}
