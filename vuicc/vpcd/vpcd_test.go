package vpcd

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
)

type chip struct {
	log  string
	mute bool
}

func (c *chip) PowerOn() ([]byte, error) { c.log += "on "; return []byte{0x3B, 0x00}, nil }
func (c *chip) Reset() ([]byte, error)   { c.log += "reset "; return []byte{0x3B, 0x00}, nil }
func (c *chip) PowerOff()                { c.log += "off " }
func (c *chip) Process(b []byte) ([]byte, error) {
	if c.mute {
		return nil, errors.New("mute")
	}
	return append(append([]byte{}, b...), 0x90, 0x00), nil
}

// driver is the other end of the connection.
func driver(t *testing.T, c *chip) (conn net.Conn, done chan error) {
	t.Helper()
	a, b := net.Pipe()
	done = make(chan error, 1)
	go func() { done <- ServeConn(context.Background(), b, c) }()
	t.Cleanup(func() { a.Close() })
	return a, done
}

func send(t *testing.T, c net.Conn, b ...byte) {
	t.Helper()
	if _, err := c.Write(binary.BigEndian.AppendUint16(nil, uint16(len(b)))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn) string {
	t.Helper()
	var n [2]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(n[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFrames: only the question for the ATR and commands are answered.
func TestFrames(t *testing.T) {
	c := &chip{}
	conn, done := driver(t, c)
	send(t, conn, 0x01)
	send(t, conn, 0x04)
	if got := receive(t, conn); got != "\x3B\x00" {
		t.Errorf("ATR %X", got)
	}
	send(t, conn, 0x02)
	send(t, conn, 0x00, 0xA4, 0x00, 0x04)
	if got := receive(t, conn); got != "\x00\xA4\x00\x04\x90\x00" {
		t.Errorf("answer %X", got)
	}
	send(t, conn, 0x00)
	c.mute = true
	send(t, conn, 0x00, 0xA4)
	if got := receive(t, conn); got != "" {
		t.Errorf("a mute card answers %X", got)
	}
	conn.Close()
	if err := <-done; err != nil {
		t.Errorf("the driver went away: %v", err)
	}
	if c.log != "on reset off off " {
		t.Errorf("the card saw %q", c.log)
	}
}

func TestStrangeFrames(t *testing.T) {
	for _, frame := range [][]byte{{0x00, 0x00}, {0x00, 0x01, 0x77}} {
		conn, done := driver(t, &chip{})
		if _, err := conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, ErrProtocol) {
			t.Errorf("%X: %v", frame, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0, 2, 0, 0xA4})
	f.Add([]byte{0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		conn, done := driver(t, &chip{})
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		_, _ = conn.Write(b)
		conn.Close()
		<-done
	})
}
