package apdu

import (
	"errors"
	"testing"
)

// TestChannels: every channel, every base class, with and without secure messaging, both ways.
func TestChannels(t *testing.T) {
	for _, base := range []byte{0x00, 0x80, 0x10, 0x90} {
		for ch := 0; ch <= MaxChannel; ch++ {
			for _, secure := range []byte{0, 0x04} {
				cla, err := WithChannel(base|secure, ch)
				if err != nil {
					t.Fatal(err)
				}
				if Channel(cla) != ch || BaseClass(cla) != base || SecureMessaging(cla) != (secure != 0) {
					t.Errorf("%02X on channel %d is %02X: channel %d, base %02X, secure %v", base|secure, ch, cla, Channel(cla), BaseClass(cla), SecureMessaging(cla))
				}
				if back, err := WithChannel(cla, 0); err != nil || back != base|secure {
					t.Errorf("%02X back on channel 0 is %02X, %v", cla, back, err)
				}
			}
		}
	}
}

// TestClassBytes are the class bytes of card interface §2 and TS 102 221 tables 10.3 and 10.4a.
func TestClassBytes(t *testing.T) {
	for _, row := range []struct {
		cla  byte
		ch   int
		want byte
	}{
		{0x00, 0, 0x00}, {0x00, 3, 0x03}, {0x00, 4, 0x40}, {0x00, 19, 0x4F},
		{0x80, 0, 0x80}, {0x80, 3, 0x83}, {0x84, 0, 0x84}, {0x84, 3, 0x87},
		{0x80, 4, 0xC0}, {0x80, 19, 0xCF}, {0x84, 4, 0xE0}, {0x84, 19, 0xEF},
		{0x04, 4, 0x60}, {0x0C, 4, 0x60}, {0x0C, 2, 0x0E}, {0x08, 0, 0x08}, {0x0C, 0, 0x0C},
		{0xA0, 0, 0xA0},
	} {
		if got, err := WithChannel(row.cla, row.ch); err != nil || got != row.want {
			t.Errorf("%02X on channel %d: %02X, %v; want %02X", row.cla, row.ch, got, err, row.want)
		}
	}
}

func TestChannelsRefused(t *testing.T) {
	for _, row := range []struct {
		cla byte
		ch  int
	}{{0x00, -1}, {0x00, 20}, {0x80, 255}, {0xA0, 1}, {0xA0, 4}} {
		if got, err := WithChannel(row.cla, row.ch); !errors.Is(err, ErrMalformed) {
			t.Errorf("%02X on channel %d: %02X, %v", row.cla, row.ch, got, err)
		}
	}
}
