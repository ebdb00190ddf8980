package kernel

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Options say how an engine is opened. The zero value is the host itself,
// without a record of ownership.
type Options struct {
	// RunDir is the run directory, for the record of what is ours. Empty keeps
	// no record: then nothing counts as ours but what a document names.
	RunDir string
	// Logger gets what the engine does; nil is silent.
	Logger *slog.Logger
	// Root is put before the paths of the company's files (resolv.conf, the
	// host name, other managers' state). Empty is the host's own root. /proc and
	// /sys are always the host's.
	Root string
}

// Engine is the kernel engine: it shows a host's network and changes it by
// netlink, in the network namespace of the thread that opened it. It may be
// used by several goroutines; changes take turns.
type Engine struct {
	options Options
	log     *slog.Logger
	conn    *conn
	sysctl  *sysctls
	company company
	// namespace is that of the thread which opened the engine.
	namespace string

	// other counts the writes that do not go through conn.
	other atomic.Int64

	apply sync.Mutex // held for one Apply or Rollback
	last  indexRange // where the next link's number is looked for; under apply

	notes notebook

	announcer announcer
}

// Open opens the engine for the network namespace of the calling thread. It
// changes nothing and needs no privileges: without CAP_NET_ADMIN what it opens
// can only show.
func Open(options Options) (*Engine, error) {
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c, err := dialConn(unix.NETLINK_ROUTE, 0, log)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		options: options, log: log, conn: c, namespace: namespace(), company: company{root: options.Root, namespace: namespace()},
	}
	c.ageing.recall(e.record())
	e.sysctl = openSysctls(&e.other)
	return e, nil
}

// record reads the record of what is ours.
func (e *Engine) record() record { return readRecord(e.options.RunDir, e.namespace, e.log) }

// Name is "kernel".
func (e *Engine) Name() string { return "kernel" }

// Writes counts what was sent or written so far that changes the host:
// netlink messages, sysctls, and configurations of the resolver and the host
// name. Applying an empty plan leaves it as it was.
func (e *Engine) Writes() int64 { return e.conn.Writes() + e.other.Load() }

// Close waits for the announcements that are still to be sent, half a second
// at most, and closes the engine's sockets. The host stays as it is.
func (e *Engine) Close() error {
	e.announcer.finish()
	return errors.Join(e.conn.Close(), e.sysctl.close())
}
