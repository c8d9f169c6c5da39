//go:build windows || cgo

package pcsc

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ebfe/scard"
)

// TestTranslations: what a program acts on has one word, however PC/SC says it; anything else passes unchanged.
func TestTranslations(t *testing.T) {
	for code, want := range map[scard.Error]error{
		scard.ErrNoService: ErrNoService, scard.ErrServiceStopped: ErrNoService,
		scard.ErrNoReadersAvailable: ErrNoReader, scard.ErrUnknownReader: ErrNoReader, scard.ErrReaderUnavailable: ErrNoReader,
		scard.ErrNoSmartcard: ErrNoCard, scard.ErrSharingViolation: ErrInUse, scard.ErrRemovedCard: ErrRemoved,
		scard.ErrResetCard: ErrReset, scard.ErrUnpoweredCard: ErrMute, scard.ErrUnresponsiveCard: ErrMute,
		scard.ErrInvalidHandle: ErrClosed,
	} {
		if got := translate(fmt.Errorf("wrapped: %w", code)); got != want {
			t.Errorf("%v becomes %v, want %v", code, got, want)
		}
	}
	for _, err := range []error{scard.ErrInsufficientBuffer, errors.New("else")} {
		if got := translate(err); got != err {
			t.Errorf("%v becomes %v", err, got)
		}
	}
	err := &Error{Op: "connect", Reader: "R", Err: translate(scard.ErrSharingViolation)}
	for _, holder := range UsualHolders {
		if !strings.Contains(err.Error(), holder) {
			t.Errorf("%q does not name %s", err, holder)
		}
	}
}

func TestReaderStates(t *testing.T) {
	atr := []byte{0x3B, 0x00}
	list := readersOf([]scard.ReaderState{
		{Reader: "A", EventState: scard.StateEmpty},
		{Reader: "B", EventState: scard.StatePresent | scard.StateInuse | 7<<16, Atr: atr},
		{Reader: "B", EventState: scard.StatePresent | scard.StateExclusive},
		{Reader: "C", EventState: scard.StatePresent | scard.StateMute},
	})
	want := []Reader{
		{Index: 0, Name: "A", Label: "A"},
		{Index: 1, Name: "B", Label: "B #1", Present: true, InUse: true, ATR: atr, Events: 7},
		{Index: 2, Name: "B", Label: "B #2", Present: true, InUse: true, Exclusive: true},
		{Index: 3, Name: "C", Label: "C", Present: true, Mute: true},
	}
	for i := range want {
		if got := fmt.Sprintf("%+v", list[i]); got != fmt.Sprintf("%+v", want[i]) {
			t.Errorf("%s\nwant %+v", got, want[i])
		}
	}
}

// TestNeverAnEmptyListOfStates: PC/SC panics on one; where readers can come and go there is always the one that is none.
func TestNeverAnEmptyListOfStates(t *testing.T) {
	states := withPnP([]scard.ReaderState{{Reader: "A", EventState: scard.StateChanged | scard.StatePresent}})
	if runtime.GOOS == "darwin" {
		states = append(states, scard.ReaderState{Reader: pnp})
	}
	if len(states) != 2 || states[0].CurrentState != scard.StatePresent || states[1].Reader != pnp {
		t.Errorf("%+v", states)
	}
}
