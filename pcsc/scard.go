//go:build windows || cgo

package pcsc

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/ebfe/scard"

	"github.com/simbind/simbind/apdu"
)

// Available tells whether this build can reach readers.
const Available = true

// service is PC/SC itself.
type service struct{ ctx *scard.Context }

// New connects to the PC/SC service.
func New() (Service, error) {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return nil, &Error{Op: "PC/SC", Err: translate(err)}
	}
	return &service{ctx: ctx}, nil
}

// translations from PC/SC's words to ours; what has no row passes as it is.
var translations = map[scard.Error]error{
	scard.ErrNoService:          ErrNoService,
	scard.ErrServiceStopped:     ErrNoService,
	scard.ErrCommError:          ErrRemoved,
	scard.ErrNoReadersAvailable: ErrNoReader,
	scard.ErrUnknownReader:      ErrNoReader,
	scard.ErrReaderUnavailable:  ErrNoReader,
	scard.ErrNoSmartcard:        ErrNoCard,
	scard.ErrSharingViolation:   ErrInUse,
	scard.ErrRemovedCard:        ErrRemoved,
	scard.ErrResetCard:          ErrReset,
	scard.ErrUnpoweredCard:      ErrMute,
	scard.ErrUnresponsiveCard:   ErrMute,
	scard.ErrNotTransacted:      ErrMute,
	scard.ErrInvalidHandle:      ErrClosed,
}

func translate(err error) error {
	var code scard.Error
	if errors.As(err, &code) {
		if ours, ok := translations[code]; ok {
			return ours
		}
	}
	return err
}

// Close implements Service.
func (s *service) Close() error { return s.ctx.Release() }

// Readers implements Service.
func (s *service) Readers(context.Context) ([]Reader, error) {
	list, _, err := s.look(0, nil)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &Error{Op: "list readers", Err: ErrNoReader}
	}
	return list, nil
}

// look lists readers and their states; with a timeout it first waits for a change from the states known. PC/SC
// panics on an empty list of states, so none is asked about when there are none.
func (s *service) look(timeout time.Duration, known []scard.ReaderState) ([]Reader, []scard.ReaderState, error) {
	if timeout > 0 && len(known) > 0 {
		err := s.ctx.GetStatusChange(known, timeout)
		if err != nil && !passing(err) {
			return nil, nil, &Error{Op: "wait for a card", Err: translate(err)}
		}
	}
	names, err := s.ctx.ListReaders()
	if err != nil && !errors.Is(translate(err), ErrNoReader) {
		return nil, nil, &Error{Op: "list readers", Err: translate(err)}
	}
	var states []scard.ReaderState
	for _, n := range names {
		states = append(states, scard.ReaderState{Reader: n, CurrentState: scard.StateUnaware})
	}
	if len(states) > 0 {
		if err := s.ctx.GetStatusChange(states, 0); err != nil && !passing(err) {
			return nil, nil, &Error{Op: "look at readers", Err: translate(err)}
		}
	}
	return readersOf(states), states, nil
}

// passing errors say that nothing happened, or that a reader vanished while we looked.
func passing(err error) bool {
	for _, e := range []scard.Error{scard.ErrTimeout, scard.ErrUnknownReader, scard.ErrReaderUnavailable, scard.ErrNoReadersAvailable, scard.ErrCancelled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func readersOf(states []scard.ReaderState) []Reader {
	var out []Reader
	for _, st := range states {
		ev := st.EventState
		out = append(out, Reader{
			Name: st.Reader, Present: ev&scard.StatePresent != 0, Mute: ev&scard.StateMute != 0,
			InUse: ev&(scard.StateInuse|scard.StateExclusive) != 0, Exclusive: ev&scard.StateExclusive != 0,
			ATR: append([]byte(nil), st.Atr...), Events: uint16(ev >> 16),
		})
	}
	Label(out)
	return out
}

// pnp is the reader that is none: a change of its state is a reader that came or went (pcsc-lite, Windows).
const pnp = `\\?PnP?\Notification`

// slice bounds every wait inside PC/SC, so that a cancelled context is seen.
const slice = time.Second

// Wait implements Service.
func (s *service) Wait(ctx context.Context, ready func([]Reader) bool) ([]Reader, error) {
	list, states, err := s.look(0, nil)
	for err == nil && !ready(list) {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		known := withPnP(states)
		if len(known) == 0 {
			if err := sleep(ctx, slice); err != nil { // nothing to wait on: look again once a second
				return list, err
			}
		}
		began := time.Now()
		list, states, err = s.watched(ctx, known)
		if err == nil && !ready(list) && time.Since(began) < backOff {
			if err := sleep(ctx, backOff); err != nil { // something flickers: never spin
				return list, err
			}
		}
	}
	return list, err
}

// backOff is the shortest round of a wait that found nothing.
const backOff = 50 * time.Millisecond

// watched is look with a wait that ends early when ctx does.
func (s *service) watched(ctx context.Context, known []scard.ReaderState) ([]Reader, []scard.ReaderState, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.ctx.Cancel() }) // idle cancels are harmless
	defer stop()
	return s.look(slice, known)
}

func withPnP(states []scard.ReaderState) []scard.ReaderState {
	var out []scard.ReaderState
	for _, st := range states {
		out = append(out, scard.ReaderState{Reader: st.Reader, CurrentState: st.EventState &^ scard.StateChanged})
	}
	if runtime.GOOS != "darwin" { // macOS has no such reader
		out = append(out, scard.ReaderState{Reader: pnp, CurrentState: scard.StateFlag(len(states) << 16)})
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// attempts at a card that another program holds, and how long to wait between them.
const (
	connectAttempts = 5
	connectPause    = 200 * time.Millisecond
)

// Connect implements Service. T=0 is asked for first: where a card offers both, the automatic choice has proved
// unreliable on (U)SIMs.
func (s *service) Connect(ctx context.Context, reader string, opt ConnectOptions) (Card, error) {
	mode := scard.ShareExclusive
	if opt.Shared {
		mode = scard.ShareShared
	}
	for attempt := 1; ; attempt++ {
		card, err := s.connect(reader, mode)
		if err == nil {
			return s.wrap(ctx, card, reader, mode)
		}
		ours := &Error{Op: "connect", Reader: reader, Err: translate(err)}
		if !errors.Is(ours, ErrInUse) || attempt == connectAttempts {
			return nil, ours
		}
		if err := sleep(ctx, connectPause); err != nil {
			return nil, err
		}
	}
}

func (s *service) connect(reader string, mode scard.ShareMode) (*scard.Card, error) {
	card, err := s.ctx.Connect(reader, mode, scard.ProtocolT0)
	if errors.Is(err, scard.ErrProtoMismatch) {
		return s.ctx.Connect(reader, mode, scard.ProtocolT1)
	}
	return card, err
}

// wrap makes a connection a Card. A card that is ours alone is reset: PC/SC hands it over as the last program left it, with another
// application selected perhaps, or a code verified.
func (s *service) wrap(ctx context.Context, sc *scard.Card, reader string, mode scard.ShareMode) (Card, error) {
	c := &card{sc: sc, reader: reader, mode: mode}
	err := c.refresh()
	if err == nil && mode == scard.ShareExclusive {
		err = c.Reset(ctx, false)
	}
	if err != nil {
		return nil, errors.Join(err, sc.Disconnect(scard.UnpowerCard))
	}
	return c, nil
}

// card is a connected card.
type card struct {
	sc     *scard.Card
	reader string
	mode   scard.ShareMode
	atr    []byte
	manner apdu.Transmitter
}

// refresh reads what a connection or reset may have changed.
func (c *card) refresh() error {
	st, err := c.sc.Status()
	if err != nil {
		return &Error{Op: "card state", Reader: c.reader, Err: translate(err)}
	}
	c.atr = append([]byte(nil), st.Atr...)
	c.manner = apdu.WithGetResponse(apdu.TransmitterFunc(c.raw), c.Protocol() == T0)
	return nil
}

// Transmit implements Card.
func (c *card) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	return c.manner.Transmit(ctx, cmd)
}

// raw sends one command as it is. What cannot be interrupted inside PC/SC is not begun when ctx has ended. A card
// without protocol (direct mode) would make the binding panic.
func (c *card) raw(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	if err := ctx.Err(); err != nil {
		return apdu.Response{}, err
	}
	b, err := cmd.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	if p := c.sc.ActiveProtocol(); p != scard.ProtocolT0 && p != scard.ProtocolT1 {
		return apdu.Response{}, &Error{Op: "transmit", Reader: c.reader, Err: ErrMute}
	}
	out, err := c.sc.Transmit(b)
	if err != nil {
		return apdu.Response{}, &Error{Op: "transmit", Reader: c.reader, Err: translate(err)}
	}
	r, err := apdu.ParseResponse(out)
	if err != nil {
		return r, &Error{Op: "transmit", Reader: c.reader, Err: err}
	}
	return r, nil
}

// ATR implements Card.
func (c *card) ATR() []byte { return c.atr }

// Reader implements Card.
func (c *card) Reader() string { return c.reader }

// Protocol implements Card.
func (c *card) Protocol() Protocol {
	if c.sc.ActiveProtocol() == scard.ProtocolT1 {
		return T1
	}
	return T0
}

// Reset implements Card. PC/SC would give the connection to another card that was put into the reader meanwhile, so that it is asked before
// whether the card was taken out.
func (c *card) Reset(_ context.Context, cold bool) error {
	if _, err := c.sc.Status(); errors.Is(err, scard.ErrRemovedCard) {
		return &Error{Op: "reset", Reader: c.reader, Err: ErrRemoved}
	}
	how := scard.ResetCard
	if cold {
		how = scard.UnpowerCard
	}
	// The protocol in use is asked for again: another one would be refused after the reset, and cost a second reset.
	if err := c.sc.Reconnect(c.mode, c.sc.ActiveProtocol(), how); err != nil {
		return &Error{Op: "reset", Reader: c.reader, Err: translate(err)}
	}
	return c.refresh()
}

// Begin implements Card.
func (c *card) Begin(context.Context) error {
	if err := c.sc.BeginTransaction(); err != nil {
		return &Error{Op: "begin transaction", Reader: c.reader, Err: translate(err)}
	}
	return nil
}

// End implements Card.
func (c *card) End() error {
	if err := c.sc.EndTransaction(scard.LeaveCard); err != nil {
		return &Error{Op: "end transaction", Reader: c.reader, Err: translate(err)}
	}
	return nil
}

// Close implements Card. A card that is gone has no power already.
func (c *card) Close() error {
	err := c.sc.Disconnect(scard.UnpowerCard)
	if ours := translate(err); err == nil || errors.Is(ours, ErrRemoved) || errors.Is(ours, ErrNoReader) {
		return nil
	}
	return &Error{Op: "disconnect", Reader: c.reader, Err: translate(err)}
}
