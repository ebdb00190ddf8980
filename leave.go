package holdfast

import "context"

// Leave lets go of what this process carries, before the process ends: a change
// under way is brought to its end first, and one that waits for confirmation
// stays pending, for the next Recover to take up. It returns when nothing is
// under way any more, or ctx ends. The Apply that made the change returns, too.
func (h *Host) Leave(ctx context.Context) {
	if run := h.underway(); run != nil {
		run.Leave(ctx)
	}
}
