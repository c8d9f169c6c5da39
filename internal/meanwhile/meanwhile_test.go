package meanwhile

import (
	"errors"
	"testing"
)

// TestDo: it does not wait for what it began, and gives how that ended to everyone who asks.
func TestDo(t *testing.T) {
	begun, may := make(chan struct{}), make(chan struct{})
	failed := errors.New("failed")
	wait := Do(func() error {
		close(begun)
		<-may
		return failed
	})
	<-begun
	close(may)
	for range 2 {
		if err := wait(); !errors.Is(err, failed) {
			t.Errorf("ended with %v", err)
		}
	}
}
