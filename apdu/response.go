package apdu

import (
	"context"
	"fmt"
)

// Response is one response APDU: 0 to 65536 bytes of data and the status word.
type Response struct {
	Data []byte
	SW   SW
}

// ParseResponse splits the bytes a card returned: data, then SW1 SW2. The result owns its data.
func ParseResponse(b []byte) (Response, error) {
	if len(b) < 2 {
		return Response{}, fmt.Errorf("%w: a response of %d bytes has no status word", ErrMalformed, len(b))
	}
	n := len(b) - 2
	return Response{Data: append([]byte(nil), b[:n]...), SW: SW(b[n])<<8 | SW(b[n+1])}, nil
}

// Bytes is data, then SW1 SW2.
func (r Response) Bytes() []byte {
	b := make([]byte, 0, len(r.Data)+2)
	return append(append(b, r.Data...), r.SW.SW1(), r.SW.SW2())
}

// Err is nil when the command was done (see [SW.OK]), else the status word as an error.
func (r Response) Err() error {
	if r.SW.OK() {
		return nil
	}
	return r.SW
}

// Transmitter is a card, or something that wraps one: it takes a command and
// brings back the response.
//
// An error means the link failed and nothing is known of what the card did; a
// status word that says no is not an error here, it is in the Response.
type Transmitter interface {
	Transmit(ctx context.Context, c Command) (Response, error)
}

// TransmitterFunc lets a function be a Transmitter.
type TransmitterFunc func(ctx context.Context, c Command) (Response, error)

// Transmit calls f.
func (f TransmitterFunc) Transmit(ctx context.Context, c Command) (Response, error) { return f(ctx, c) }

// Error is a command the card refused: which one, and with what status word.
// errors.Is sees the status word behind it.
type Error struct {
	Name string // the standard's name with what it was about: "SELECT EF_IMSI"
	SW   SW
}

// Error reads "SELECT EF_IMSI: 6A82: file not found".
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Name, e.SW.Error()) }

// Unwrap gives the status word.
func (e *Error) Unwrap() error { return e.SW }

// LinkError is a command whose answer never came: what the card did with it is unknown.
type LinkError struct {
	Name string
	Err  error
}

func (e *LinkError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

// Unwrap gives the failure of the link.
func (e *LinkError) Unwrap() error { return e.Err }

// Do sends c and turns both kinds of failure into errors that start with name:
// *LinkError when no answer came, *Error when the answer's status word is not OK.
// The Response is returned with an *Error too: some commands answer data with a warning.
func Do(ctx context.Context, t Transmitter, name string, c Command) (Response, error) {
	r, err := t.Transmit(ctx, c)
	if err != nil {
		return Response{}, &LinkError{Name: name, Err: err}
	}
	if !r.SW.OK() {
		return r, &Error{Name: name, SW: r.SW}
	}
	return r, nil
}
