package apdu

import (
	"context"
	"fmt"
)

// Bounds of the housekeeping below, so that no card can keep us for ever.
const (
	maxRounds     = 300       // GET RESPONSE and repeats of one command
	maxCollection = MaxLe + 2 // bytes collected for one command
)

// ResponseLimitError is a card that keeps promising data beyond any legal answer.
type ResponseLimitError struct {
	Rounds, Bytes int
}

func (e *ResponseLimitError) Error() string {
	return fmt.Sprintf("GET RESPONSE: still more data after %d rounds and %d bytes", e.Rounds, e.Bytes)
}

// ResponseLostError is a card that promised response bytes (61XX, 9FXX) and then refused GET RESPONSE: the command was
// carried out, or not, and its answer is lost. It is not the card's answer to the command, so it is no status word to errors.Is.
type ResponseLostError struct {
	Promised SW // the last 61XX or 9FXX
	SW       SW // what GET RESPONSE answered
}

// Error reads "GET RESPONSE after 6101: 6F00: technical problem, no diagnosis: the answer is lost".
func (e *ResponseLostError) Error() string {
	return fmt.Sprintf("GET RESPONSE after %04X: %s: the answer is lost", uint16(e.Promised), e.SW.Error())
}

// WithGetResponse hides the T=0 manner of a card (ISO/IEC 7816-3 clause 12.2, TS 102 221 clause 7.3.1):
// it leaves Le out of case 4 when omitLe, follows 61XX and 9FXX with GET RESPONSE on the
// same logical channel without secure messaging, and repeats the identical command after 6CXX. One of case 3 has no Le that
// could be wrong, and is not sent twice: it may hold a code or a cryptogram, of which every one counts.
//
// A warning (62XX, 63XX without counter) on a command that expects data is followed by one
// GET RESPONSE; the answer then keeps the first warning. Both are bounded (*ResponseLimitError). Response bytes that were
// promised and cannot be fetched are a *ResponseLostError: what the card did is not known.
func WithGetResponse(t Transmitter, omitLe bool) Transmitter {
	return TransmitterFunc(func(ctx context.Context, c Command) (Response, error) {
		first := c
		if omitLe && c.Case() == 4 {
			first.Le = 0
		}
		return collect(ctx, t, c, first)
	})
}

func collect(ctx context.Context, t Transmitter, asked, next Command) (Response, error) {
	var data []byte
	var warning, promised SW
	for round := 0; round < maxRounds; round++ {
		r, err := t.Transmit(ctx, next)
		if err != nil {
			return Response{}, err
		}
		if len(data)+len(r.Data) > maxCollection {
			return Response{}, &ResponseLimitError{Rounds: round + 1, Bytes: len(data) + len(r.Data)}
		}
		data = append(data, r.Data...)
		switch {
		case r.SW.SW1() == 0x61 || r.SW.SW1() == 0x9F:
			promised = r.SW
			next = getResponse(asked.CLA, le(int(r.SW.SW2()), MaxShortLe))
		case r.SW.SW1() == 0x6C && (asked.Case() != 3 || next.INS == INSGetResponse) && next.Le != le(int(r.SW.SW2()), MaxShortLe):
			next.Le = le(int(r.SW.SW2()), MaxShortLe)
		case warning == 0 && followsWarning(asked, r):
			warning = r.SW
			next = getResponse(asked.CLA, MaxShortLe)
		case promised != 0 && !r.SW.OK() && !r.SW.Warning():
			return Response{}, &ResponseLostError{Promised: promised, SW: r.SW}
		default:
			return conclude(data, r.SW, warning), nil
		}
	}
	return Response{}, &ResponseLimitError{Rounds: maxRounds, Bytes: len(data)}
}

// followsWarning: a case 4 command answered with a bare warning may have data waiting (rule 3 of
// docs/standards.md, T=0; 6310 of GET STATUS is the well-known one).
func followsWarning(asked Command, r Response) bool {
	if _, counter := r.SW.Counter(); counter || r.SW == SWAuthenticationFailed {
		return false
	}
	return r.SW.Warning() && asked.Case() == 4 && len(r.Data) == 0
}

// conclude picks the status word: the warning that announced the data wins over
// the plain end of its GET RESPONSE, and over its refusal when no data waited.
func conclude(data []byte, sw, warning SW) Response {
	if warning != 0 && (sw.OK() || len(data) == 0) {
		sw = warning
	}
	return Response{Data: data, SW: sw}
}

// getResponse builds GET RESPONSE (TS 102 221 clause 7.3.1.1.2) for the channel of cla; n is 1 to 256.
func getResponse(cla byte, n int) Command {
	c := Command{INS: INSGetResponse, Le: n}
	if BaseClass(cla) == 0xA0 {
		c.CLA = 0xA0
		return c
	}
	c.CLA, _ = WithChannel(0x00, Channel(cla)) // a class byte names 0 to 19 only
	return c
}
