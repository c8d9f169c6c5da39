//go:build !windows && !cgo

package pcsc

import "fmt"

// Available tells whether this build can reach readers.
const Available = false

// New says why there are no readers in this build.
func New() (Service, error) {
	return nil, &Error{Op: "readers", Err: fmt.Errorf("%w: it was made without cgo (CGO_ENABLED=0)", ErrNotBuilt)}
}
