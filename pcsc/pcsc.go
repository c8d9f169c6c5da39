// Package pcsc reaches readers and cards through PC/SC. It alone imports ebfe/scard; without cgo (and off
// Windows) it still builds and says why readers are missing. The same interface in memory is package mock.
package pcsc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
)

// Service lists readers and connects to cards. One goroutine at a time uses it.
type Service interface {
	// Readers lists what is there now. ErrNoReader: nothing is.
	Readers(ctx context.Context) ([]Reader, error)
	// Wait blocks until ready accepts the list, ctx ends, or the service fails. Readers that come and go are no
	// failure, and no reader at all is an empty list. ready may be asked more than once about the same list.
	Wait(ctx context.Context, ready func([]Reader) bool) ([]Reader, error)
	// Connect powers the card in a reader, which is named as Reader.Name. A card connected exclusively is as after a reset.
	Connect(ctx context.Context, reader string, opt ConnectOptions) (Card, error)
	Close() error
}

// Card is a connected card. One goroutine at a time uses it.
type Card interface {
	// Transmit sends one command; T=0 housekeeping is done already. A link failure is *Error: after
	// ErrReset and ErrRemoved nothing that was selected or verified holds any more.
	apdu.Transmitter
	ATR() []byte
	Protocol() Protocol
	Reader() string
	// Reset ends all security state: warm, or cold through the card's power. It also recovers a card that another
	// program reset. ErrRemoved: the card was taken out, whatever is in the reader now.
	Reset(ctx context.Context, cold bool) error
	// Begin keeps other programs away from a shared card until End. Nobody is asked anything meanwhile.
	Begin(ctx context.Context) error
	End() error
	// Close unpowers the card, so that nobody inherits what was verified.
	Close() error
}

// Protocol is the transmission protocol in use.
type Protocol byte

// Protocols.
const (
	T0 Protocol = iota
	T1
)

func (p Protocol) String() string { return fmt.Sprintf("T=%d", byte(p)) }

// ConnectOptions say how to share a card. The zero value is exclusive.
type ConnectOptions struct {
	Shared bool // others may use the card between our transactions
}

// Reader is one reader as it stands.
type Reader struct {
	Index     int    // place in the list, from 0
	Name      string // what PC/SC calls it
	Label     string // for people: the name, with its index where two are alike
	Present   bool   // a card is in it
	Mute      bool   // the card does not answer
	InUse     bool   // another program uses the card
	Exclusive bool   // another program holds it alone
	ATR       []byte
	Events    uint16 // counts cards put in and taken out: a card swapped unseen shows here
}

// What can go wrong, for errors.Is.
var (
	ErrNoService = errors.New("no PC/SC service")
	ErrNotBuilt  = errors.New("no PC/SC in this build")
	ErrNoReader  = errors.New("no reader")
	ErrNoCard    = errors.New("no card")
	ErrInUse     = errors.New("in use by another program")
	ErrRemoved   = errors.New("the card was removed")
	ErrReset     = errors.New("the card was reset by another program: what was selected or verified is gone")
	ErrMute      = errors.New("the card does not answer")
	ErrClosed    = errors.New("closed")
)

// UsualHolders are programs known for taking cards.
var UsualHolders = []string{"scdaemon (GnuPG)", "gsd-smartcard (GNOME)", "ctkpcscd (macOS)", "another simbind"}

// Error is an operation that failed on a reader. Unwrap gives one of the errors above, or what PC/SC said.
type Error struct {
	Op     string // "connect", "transmit" …
	Reader string // empty: no reader is involved
	Err    error
}

func (e *Error) Error() string {
	where := ""
	if e.Reader != "" {
		where = " " + e.Reader
	}
	s := fmt.Sprintf("%s%s: %v", e.Op, where, e.Err)
	if errors.Is(e.Err, ErrInUse) {
		s += " (usually " + strings.Join(UsualHolders, ", ") + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Label names readers so that no two are alike.
func Label(list []Reader) {
	count := map[string]int{}
	for _, r := range list {
		count[r.Name]++
	}
	for i := range list {
		list[i].Index, list[i].Label = i, list[i].Name
		if count[list[i].Name] > 1 {
			list[i].Label = fmt.Sprintf("%s #%d", list[i].Name, i)
		}
	}
}
