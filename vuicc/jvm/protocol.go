package jvm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The pipe between the card and the Java runtime (applet/runtime/simbind/card).
//
// A frame is its length (4 bytes, what follows), the number of a call (4), a kind (1) and a body. All numbers are big
// endian. In a body, bytes and text have a length of 4 bytes before them, FFFFFFFF for none at all.
//
// One side talks at a time. The card begins a call with CALL and a new number; until its RETURN the runtime may ask for services in
// its name, and the card gives each an ANSWER, or UNWIND: then the applet's frame ends without executing anything
// more, and RETURN follows. While a service is waited for (Send, until the terminal answered) the card may begin other calls.
//
//	CALL    card 4, operation 1, arguments
//	  o  open          folder of classes, class, AID, cells          f  forget the card
//	  i  install       LV AID ‖ LV privileges ‖ LV parameters        r  powered up: cells that differ
//	  s  select        command                                      p  process       command
//	  d  processData   command                                      x  deselect      channel 1
//	  t  toolkit       event 2                                      u  uninstall
//	  m  memory        (data of RETURN: persistent, transient until reset, until deselection, largest transaction, 4 bytes each)
//	RETURN  outcome 1 (0 done, 1 the applet is broken, 2 unwound), SW 2, data, remarks (text, a line each)
//	SERVICE service 1, arguments
//	ANSWER  reason 2 (0 done), results; of secure channel services the reason is a status word
//
// A command is its header, its data, and Le (2). Cells are their count (2), then number (2) and content each.
const (
	kindCall    = 'C'
	kindAnswer  = 'A'
	kindUnwind  = 'X'
	kindService = 'S'
	kindReturn  = 'R'
)

// Operations of CALL.
const (
	opOpen        = 'o'
	opForget      = 'f'
	opInstall     = 'i'
	opSelect      = 's'
	opProcess     = 'p'
	opProcessData = 'd'
	opDeselect    = 'x'
	opToolkit     = 't'
	opUninstall   = 'u'
	opPoweredUp   = 'r'
	opMemory      = 'm'
)

// Outcomes of RETURN.
const (
	outcomeDone    = 0
	outcomeBroken  = 1
	outcomeUnwound = 2
)

// maxFrame bounds a frame either side may send.
const maxFrame = 1 << 20

type frame struct {
	call uint32
	kind byte
	body []byte
}

func (f frame) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(f.body)+5))
	b = binary.BigEndian.AppendUint32(b, f.call)
	return append(append(b, f.kind), f.body...)
}

var errFrame = errors.New("malformed frame")

func readFrame(r io.Reader) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 5 || n > maxFrame {
		return frame{}, fmt.Errorf("%w: length %d", errFrame, n)
	}
	body := make([]byte, n-5)
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, err
	}
	return frame{binary.BigEndian.Uint32(head[4:]), head[8], body}, nil
}

// cursor reads a body; bad stays set once something was missing.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.bad = nil, true
		return make([]byte, min(max(n, 0), 4))
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() byte    { return c.take(1)[0] }
func (c *cursor) u16() uint16 { return binary.BigEndian.Uint16(c.take(2)) }
func (c *cursor) u32() uint32 { return binary.BigEndian.Uint32(c.take(4)) }

func (c *cursor) bytes() []byte {
	n := c.u32()
	if n == 0xFFFFFFFF || c.bad {
		return nil
	}
	return c.take(int(n))
}

// writer builds a body.
type writer []byte

func (w writer) u8(v byte) writer    { return append(w, v) }
func (w writer) u16(v uint16) writer { return binary.BigEndian.AppendUint16(w, v) }
func (w writer) u32(v uint32) writer { return binary.BigEndian.AppendUint32(w, v) }

// bytes writes an empty value for nil.
func (w writer) bytes(v []byte) writer { return append(w.u32(uint32(len(v))), v...) }
