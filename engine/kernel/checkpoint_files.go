package kernel

import (
	"context"
	"errors"

	"holdfast/engine"
)

// errNoPicture is why a stored checkpoint is of no use.
var errNoPicture = errors.New("it holds no picture of the network")

// rollBackFiles is the rollback after a restart of the host. What the kernel had
// is gone, and made anew by whoever makes it at boot; files have stayed.
func (c *checkpoint) rollBackFiles(ctx context.Context) error {
	if !c.Files {
		return nil
	}
	err := c.restoreFiles(ctx)
	left := c.fileDifferences()
	if err == nil && len(left) == 0 {
		return nil
	}
	return &engine.RollbackError{Differences: left, Err: err}
}

// restoreFiles puts back what is configured in files, if the plan changes it.
func (c *checkpoint) restoreFiles(ctx context.Context) error {
	if !c.Files {
		return nil
	}
	return errors.Join(c.e.company.resolver().Restore(ctx, c.Resolver), c.e.company.hostname().Restore(ctx, c.Hostname))
}
