package cli

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/plan"
	"holdfast/state"
)

// backend is the host as the commands use it: in this process, or by the
// daemon.
type backend interface {
	Show(context.Context, holdfast.ShowOptions) (*state.State, error)
	Plan(context.Context, *state.State, holdfast.PlanOptions) (*draft, error)
	Apply(context.Context, *state.State, holdfast.ApplyOptions) (*holdfast.Result, error)
	ReturnTo(context.Context, int, holdfast.ApplyOptions) (*holdfast.Result, error)
	Pending(context.Context) (*holdfast.PendingChange, error)
	Confirm(ctx context.Context, transaction string, who holdfast.Who) (*holdfast.Result, error)
	Rollback(ctx context.Context, transaction string, who holdfast.Who) (*holdfast.Result, error)
	Abandon(context.Context) (path string, err error)
	History(context.Context) ([]holdfast.Entry, []holdfast.Damage, error)
	Generation(context.Context, int) (*holdfast.Generation, error)
	Newest(context.Context) (*holdfast.Generation, []holdfast.Damage, error)
	Drift(context.Context) (differences []state.Difference, number int, err error)
	Persist(ctx context.Context, names []string, who holdfast.Who) (*holdfast.Result, error)
	Unpersist(ctx context.Context, names []string, who holdfast.Who) (*holdfast.Result, error)
	Close() error
}

var (
	_ backend = local{}
	_ backend = (*remote)(nil)
)

// draft is a plan for printing. One of plan and told is set.
type draft struct {
	plan *plan.Plan
	// told is what the daemon says.
	told        *api.Planned
	differences []state.Difference
}

// empty tells whether there is nothing to do.
func (d *draft) empty() bool {
	if d.told != nil {
		return d.told.Plan.Empty
	}
	return d.plan.Empty()
}

// local is the host in this process.
type local struct{ *holdfast.Host }

// Plan plans.
func (l local) Plan(ctx context.Context, desired *state.State, options holdfast.PlanOptions) (*draft, error) {
	made, err := l.Host.Plan(ctx, desired, options)
	if err != nil {
		return nil, err
	}
	return &draft{plan: made.Plan, differences: state.Compare(made.Target.Desired, made.Plan.Current)}, nil
}

// helloLimit is how long the daemon may take to say what it is. One that was
// started by this very connection may have a change to recover first.
const helloLimit = 20 * time.Second

// socketName is the daemon's socket in the run directory.
const socketName = "holdfast.sock"

// socket is where the daemon is.
func (a *app) socket() string {
	if a.flags.socket != "" {
		return a.flags.socket
	}
	return filepath.Join(a.flags.runDir, socketName)
}

// daemon gives the host by the daemon; nil if none runs that is for this network
// namespace and these directories, unless its socket was named.
func (a *app) daemon() (backend, error) {
	named := a.flags.socket != ""
	if a.flags.standalone {
		return nil, nil
	}
	if _, err := os.Stat(a.socket()); err != nil && !named {
		return nil, nil
	}
	client := api.Unix(a.socket()).As(a.who().Command)
	ctx, cancel := context.WithTimeout(context.Background(), helloLimit)
	defer cancel()
	hello, err := client.Hello(ctx)
	switch {
	case err != nil && named:
		return nil, err
	case err != nil:
		a.logger().Info("the daemon does not answer", "socket", a.socket(), "err", err)
		return nil, nil
	case !named && !a.mine(hello):
		a.logger().Info("the daemon is for another network namespace, engine or directory", "socket", a.socket())
		_ = client.Close()
		return nil, nil
	}
	a.remote = true
	return &remote{app: a, client: client, rights: hello.Rights}, nil
}

// mine tells whether the daemon is what the flags ask for.
func (a *app) mine(hello *api.Hello) bool {
	engine := a.flags.engine.value
	return hello.Namespace == networkNamespace() && hello.StateDir == a.flags.stateDir && hello.RunDir == a.flags.runDir &&
		(engine == holdfast.EngineAuto || engine == hello.Engine)
}

// networkNamespace names this process's.
func networkNamespace() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	return name
}
