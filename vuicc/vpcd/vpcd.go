// Package vpcd puts a virtual card into a running pcscd: it is the TCP client of the vpcd driver
// (vsmartcard), which shows a reader to PC/SC for every port.
//
// A frame is two bytes of length, big endian, and as many bytes. A frame of one byte is a control: 00 off, 01 on, 02
// reset, 04 ask for the ATR, the only one that is answered. Any other frame is a command.
package vpcd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// DefaultPort is where the driver's first reader listens; the second slot is on the next port.
const DefaultPort = 35963

// Chip is a card as its contacts show it. An error of Process is a card that does not answer any more.
type Chip interface {
	PowerOn() (atr []byte, err error)
	Reset() (atr []byte, err error)
	PowerOff()
	Process(command []byte) (response []byte, err error)
}

// Controls of the protocol.
const (
	controlOff   = 0x00
	controlOn    = 0x01
	controlReset = 0x02
	controlATR   = 0x04
)

// ErrProtocol is a frame no driver sends.
var ErrProtocol = errors.New("vpcd protocol")

// Serve connects to the driver at addr and is the card until ctx ends (nil), or the driver or the card fails.
func Serve(ctx context.Context, addr string, chip Chip) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("vpcd: %w", err)
	}
	return ServeConn(ctx, conn, chip)
}

// ServeConn is Serve on a connection, which it closes.
func ServeConn(ctx context.Context, conn net.Conn, chip Chip) error {
	defer conn.Close()
	defer chip.PowerOff()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) // ends a read that waits
	defer stop()
	s := &slot{conn: conn, chip: chip}
	for {
		err := s.round()
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			return nil
		default:
			return fmt.Errorf("vpcd: %w", err)
		}
	}
}

type slot struct {
	conn net.Conn
	chip Chip
	atr  []byte
	buf  [2 + 65535]byte
}

// round answers one frame. The driver sends length and data as two small segments: without an immediate acknowledgement
// of the first, the second waits for 40 ms.
func (s *slot) round() error {
	frame, err := s.read()
	if err != nil {
		return err
	}
	if len(frame) == 1 {
		return s.control(frame[0])
	}
	response, err := s.chip.Process(frame)
	if err != nil {
		// A mute card: the driver takes an empty answer for a failed transmission.
		return s.write(nil)
	}
	return s.write(response)
}

func (s *slot) read() ([]byte, error) {
	quickAck(s.conn)
	if _, err := io.ReadFull(s.conn, s.buf[:2]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(s.buf[:2]))
	if n == 0 {
		return nil, fmt.Errorf("%w: empty frame", ErrProtocol)
	}
	quickAck(s.conn)
	_, err := io.ReadFull(s.conn, s.buf[2:2+n])
	return s.buf[2 : 2+n], err
}

func (s *slot) control(c byte) error {
	var err error
	switch c {
	case controlOff:
		s.chip.PowerOff()
		s.atr = nil
	case controlOn:
		s.atr, err = s.chip.PowerOn()
	case controlReset:
		if s.atr == nil {
			s.atr, err = s.chip.PowerOn()
			break
		}
		s.atr, err = s.chip.Reset()
	case controlATR:
		if s.atr == nil { // the driver asks before it powers, to see whether a card is there
			if s.atr, err = s.chip.PowerOn(); err != nil {
				return s.write(nil)
			}
		}
		return s.write(s.atr)
	default:
		return fmt.Errorf("%w: control %02X", ErrProtocol, c)
	}
	if err != nil { // a card that does not wake up is mute, not the end of the reader
		s.atr = nil
	}
	return nil
}

func (s *slot) write(b []byte) error {
	if len(b) > 0xFFFF {
		return fmt.Errorf("%w: answer of %d bytes", ErrProtocol, len(b))
	}
	out := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(b)), uint16(len(b)))
	_, err := s.conn.Write(append(out, b...))
	return err
}
