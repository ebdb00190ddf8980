package holdfast

import (
	"context"
	"log/slog"
	"sync"

	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/internal/lock"
	"holdfast/monitor"
	"holdfast/plan"
	"holdfast/probe"
	"holdfast/state"
	"holdfast/store"
	"holdfast/transaction"
)

// The directories that are used when Options name none.
const (
	// DefaultStateDir is for what outlives a restart of the host.
	DefaultStateDir = "/var/lib/holdfast"
	// DefaultRunDir is for what does not.
	DefaultRunDir = "/run/holdfast"
	// DefaultProbeDir has the programs of exec probes.
	DefaultProbeDir = "/etc/holdfast/probes"
)

// The engines that Options.Engine can name.
const (
	// EngineAuto chooses. It is the kernel engine as long as there is no other.
	EngineAuto = "auto"
	// EngineKernel speaks with the Linux kernel itself.
	EngineKernel = "kernel"
)

// Options say how to open a host. The zero Options open the host that the
// program runs on.
type Options struct {
	// Engine names the engine: EngineAuto, which the empty string means too, or
	// EngineKernel.
	Engine string
	// Carrier is an engine of the caller's own in place of a named one, the
	// memory engine of holdfast/engine/enginetest for example. Close closes it.
	// StateDir and RunDir must be given with it: the default ones are this
	// host's.
	Carrier engine.Engine
	// StateDir is the directory of what outlives a restart of the host: the
	// configurations that holdfast answers for, and the pending change;
	// DefaultStateDir if empty.
	StateDir string
	// RunDir is the directory of what does not outlive it, the record of what
	// holdfast owns; DefaultRunDir if empty.
	RunDir string
	// Files is a file layer of the caller's own for what the store keeps in both
	// directories, one that watches the writes or counts them; nil is the host's
	// file system.
	Files store.FS
	// ProbeDir has the programs of exec probes; DefaultProbeDir if empty.
	ProbeDir string
	// Probes are asked by every change, beside those that it asks for itself.
	Probes []probe.Spec
	// Logger is told what happens; nil is nobody.
	Logger *slog.Logger
}

// Host is a host whose network can be shown and changed. Its methods may be
// called from several goroutines; of two Applys at once one is refused.
type Host struct {
	engine  engine.Engine
	store   *store.Store
	options Options
	logger  *slog.Logger
	// namespace names the network namespace that the host was opened in.
	namespace string

	mu       sync.Mutex
	run      *transaction.Run   // under way in this process, nil if none
	monitors []*monitor.Monitor // that are told of steps
	// defaults are those of SetDefaults, nil before.
	defaults *Defaults
}

// Open opens a host. It changes nothing and needs no privileges. The network
// namespace is that of the calling thread. The error is of kind invalid for an
// engine that does not exist.
func Open(options Options) (*Host, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Carrier != nil && (options.StateDir == "" || options.RunDir == "") {
		return nil, &engine.Error{Op: "open the host", Kind: engine.Invalid, Err: errNoDirectories}
	}
	if options.StateDir == "" {
		options.StateDir = DefaultStateDir
	}
	if options.RunDir == "" {
		options.RunDir = DefaultRunDir
	}
	if options.ProbeDir == "" {
		options.ProbeDir = DefaultProbeDir
	}
	kept, err := store.Open(store.Options{
		StateDir: options.StateDir, RunDir: options.RunDir, FS: options.Files, Logger: options.Logger,
	})
	if err != nil {
		return nil, storeError("open the state directory", err)
	}
	e, err := open(options)
	if err != nil {
		return nil, err
	}
	return &Host{engine: e, store: kept, options: options, logger: options.Logger, namespace: namespace()}, nil
}

func open(options Options) (engine.Engine, error) {
	if options.Carrier != nil {
		return options.Carrier, nil
	}
	switch options.Engine {
	case "", EngineAuto:
		options.Logger.Info("engine chosen", "engine", EngineKernel, "why", "auto is the kernel engine as long as there is no other")
	case EngineKernel:
	case "nm":
		return nil, &engine.Error{
			Op: "open the engine nm", Kind: engine.Unsupported, Err: errNoEngine,
			Hint: "use --engine kernel; it leaves links that NetworkManager runs alone",
		}
	default:
		return nil, &engine.Error{
			Op: "open the engine " + options.Engine, Kind: engine.Invalid, Err: errNoEngine,
			Hint: "the engines are auto and kernel",
		}
	}
	return kernel.Open(kernel.Options{RunDir: options.RunDir, Logger: options.Logger})
}

// Close lets go of the host, which stays as it is.
func (h *Host) Close() error { return h.engine.Close() }

// Engine is the name of the engine that the host is run with.
func (h *Host) Engine() string { return h.engine.Name() }

// ShowOptions say what Show reads.
type ShowOptions = engine.ShowOptions

// Show reads what is on the host now. It needs no lock: in the midst of
// somebody's change it shows how far that is.
func (h *Host) Show(ctx context.Context, options ShowOptions) (*state.State, error) {
	return h.engine.Show(ctx, options)
}

// Draft is what Apply would do.
type Draft struct {
	// Plan holds the steps and warnings; an empty plan has nothing to do.
	// Plan.Current is the host as it is.
	Plan *plan.Plan
	// Target is what the host would become.
	Target *state.Target
}

// PlanOptions say what a plan may do.
type PlanOptions = plan.Options

// Plan tells what Apply would do, and changes nothing. The error holds every
// problem of the desired state (see Problems), or says why the change would be
// refused.
func (h *Host) Plan(ctx context.Context, desired *state.State, options PlanOptions) (*Draft, error) {
	if err := desired.Validate(); err != nil {
		return nil, err
	}
	current, err := h.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return nil, err
	}
	return draft(current, desired, options)
}

// draft plans the way from current to what is desired.
func draft(current, desired *state.State, options plan.Options) (*Draft, error) {
	target, err := state.Merge(current, desired)
	if err != nil {
		return nil, err
	}
	if err := state.ValidateTarget(target, current); err != nil {
		return nil, err
	}
	p, err := plan.Make(current, target, options)
	if err != nil {
		return nil, planError(err)
	}
	return &Draft{Plan: p, Target: target}, nil
}

// locker is an engine with a lock of its own; others change the network
// namespace and share its lock.
type locker interface {
	Lock(ctx context.Context, purpose string) (release func() error, err error)
	// Holder tells who has it, empty if nobody does.
	Holder() string
}

// Holder tells who holds the lock, in one line; empty if nobody does.
func (h *Host) Holder(ctx context.Context) (string, error) {
	if own, ok := h.engine.(locker); ok {
		return own.Holder(), nil
	}
	owner, err := lock.Holder(ctx, lock.Name)
	if owner == nil || err != nil {
		return "", err
	}
	return owner.String(), nil
}

// lock takes the host's lock, or tells who has it.
func (h *Host) lock(ctx context.Context, purpose string) (release func() error, err error) {
	if own, ok := h.engine.(locker); ok {
		return own.Lock(ctx, purpose)
	}
	held, err := lock.Acquire(ctx, lock.Name, purpose)
	if err != nil {
		return nil, lockError(err)
	}
	return held.Release, nil
}
