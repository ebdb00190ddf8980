package reach

import (
	"context"
	"errors"
	"os"
	"time"
)

// again is the time after which a packet to a neighbour or an echo request is
// sent once more.
const again = 500 * time.Millisecond

// socket is what converse needs of one; closing it twice does no harm.
type socket interface {
	SetReadDeadline(time.Time) error
	Close() error
}

// converse sends, and sends again after every so much time, until receive has the answer. receive reads
// one packet, and tells whether it is the one. The socket is closed when the
// context ends before.
func converse(ctx context.Context, s socket, every time.Duration, send func() error, receive func() (bool, error)) error {
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	for {
		if err := send(); err != nil {
			return plain(ctx, err)
		}
		if err := s.SetReadDeadline(time.Now().Add(every)); err != nil {
			return plain(ctx, err)
		}
		answered, err := listen(receive)
		if answered {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return plain(ctx, err)
		}
	}
}

// listen receives until the answer is there or an error ends it.
func listen(receive func() (bool, error)) (bool, error) {
	for {
		if answered, err := receive(); answered || err != nil {
			return answered, err
		}
	}
}
