package batch

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestQuietBenchSparesTheLedger: while nothing happens the ledger is asked no oftener than the time an answer took lets it.
func TestQuietBenchSparesTheLedger(t *testing.T) {
	for _, rest := range []time.Duration{time.Hour, -time.Hour} {
		r := newRig(t, 0, 1)
		b := r.bench
		b.prepare()
		b.last, b.resume = b.now().Add(-time.Hour), b.now().Add(rest)
		if err := r.ledger.Close(); err != nil { // whoever asks it stops the batch
			t.Fatal(err)
		}
		within, cancel := context.WithTimeout(context.Background(), 3*watchEvery)
		ctx, end := context.WithCancelCause(within)
		b.end = end
		b.watchEnd(ctx)
		if asked := errors.As(context.Cause(ctx), new(*StopError)); asked != (rest < 0) {
			t.Errorf("rest of %s: asked %v", rest, asked)
		}
		cancel()
	}
}
