// Package apdu holds the words every card conversation is made of: command,
// response, status word, and the one small interface a card is
// (ISO/IEC 7816-4, ETSI TS 102 221 clause 10).
package apdu

import (
	"errors"
	"fmt"
)

// Largest values of the length fields (ISO/IEC 7816-4 clause 5.1).
const (
	MaxShortData = 255   // Lc of a short command
	MaxShortLe   = 256   // Le 00 of a short command
	MaxData      = 65535 // Lc of an extended command
	MaxLe        = 65536 // Le 0000 of an extended command
)

// Command is one command APDU.
//
// Le is the number of bytes expected: 0 means no Le field, 1 to 256 a short
// field (256 goes out as 00), up to 65536 an extended one (65536 as 0000). The
// short form is used whenever both lengths fit it, unless Extended asks for the long one.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	Le               int
	Extended         bool
}

// ErrMalformed is wrapped by every refusal of bytes that are no command or response.
var ErrMalformed = errors.New("malformed APDU")

// Bytes codes the command: 4 bytes (case 1) up to 4+3+65535+2 (case 4 extended).
func (c Command) Bytes() ([]byte, error) {
	switch {
	case len(c.Data) > MaxData:
		return nil, fmt.Errorf("%w: %d bytes of command data, at most %d", ErrMalformed, len(c.Data), MaxData)
	case c.Le < 0 || c.Le > MaxLe:
		return nil, fmt.Errorf("%w: Le %d, at most %d", ErrMalformed, c.Le, MaxLe)
	}
	if c.IsExtended() {
		return c.extended(), nil
	}
	return c.short(), nil
}

// IsExtended tells whether the command needs, or asks for, extended length fields.
func (c Command) IsExtended() bool {
	long := len(c.Data) > MaxShortData || c.Le > MaxShortLe
	return long || c.Extended && (len(c.Data) > 0 || c.Le > 0)
}

// Case is the case of the command, 1 to 4 (ISO/IEC 7816-3 clause 12.1.2).
func (c Command) Case() int {
	n := 1
	if c.Le > 0 {
		n++
	}
	if len(c.Data) > 0 {
		n += 2
	}
	return n
}

// Header is CLA INS P1 P2.
func (c Command) Header() []byte { return []byte{c.CLA, c.INS, c.P1, c.P2} }

func (c Command) short() []byte {
	b := make([]byte, 0, 6+len(c.Data))
	b = append(b, c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le))
	}
	return b
}

func (c Command) extended() []byte {
	b := make([]byte, 0, 9+len(c.Data))
	b = append(b, c.CLA, c.INS, c.P1, c.P2, 0)
	if len(c.Data) > 0 {
		b = append(b, byte(len(c.Data)>>8), byte(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Le > 0 {
		b = append(b, byte(c.Le>>8), byte(c.Le))
	}
	return b
}

// String is the header and the lengths, never the data: it is safe in a log.
func (c Command) String() string {
	s := fmt.Sprintf("%02X%02X%02X%02X", c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		s += fmt.Sprintf(" Lc=%d", len(c.Data))
	}
	if c.Le > 0 {
		s += fmt.Sprintf(" Le=%d", c.Le)
	}
	return s
}

// Parse decodes a command APDU of any case, short or extended. The result owns its data.
//
// An Lc of 00 in the short form is a malformed command, as is a length that does not add up.
func Parse(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("%w: %d bytes, a command has at least 4", ErrMalformed, len(b))
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[4:]
	switch {
	case len(body) == 0:
		return c, nil
	case len(body) == 1:
		c.Le = le(int(body[0]), MaxShortLe)
		return c, nil
	case body[0] != 0:
		return c.parseShort(body)
	default:
		return c.parseExtended(body)
	}
}

func (c Command) parseShort(body []byte) (Command, error) {
	n := int(body[0])
	switch rest := len(body) - 1 - n; rest {
	case 0:
	case 1:
		c.Le = le(int(body[1+n]), MaxShortLe)
	default:
		return Command{}, fmt.Errorf("%w: Lc says %d bytes, %d follow", ErrMalformed, n, len(body)-1)
	}
	c.Data = append([]byte(nil), body[1:1+n]...)
	return c, nil
}

func (c Command) parseExtended(body []byte) (Command, error) {
	if len(body) < 3 {
		return Command{}, fmt.Errorf("%w: length field 00 without its two bytes", ErrMalformed)
	}
	c.Extended = true
	n := int(body[1])<<8 | int(body[2])
	if len(body) == 3 {
		c.Le = le(n, MaxLe)
		return c, nil
	}
	if n == 0 {
		return Command{}, fmt.Errorf("%w: Lc is zero", ErrMalformed)
	}
	switch rest := len(body) - 3 - n; rest {
	case 0:
	case 2:
		c.Le = le(int(body[3+n])<<8|int(body[4+n]), MaxLe)
	default:
		return Command{}, fmt.Errorf("%w: Lc says %d bytes, %d follow", ErrMalformed, n, len(body)-3)
	}
	c.Data = append([]byte(nil), body[3:3+n]...)
	return c, nil
}

func le(n, most int) int {
	if n == 0 {
		return most
	}
	return n
}
