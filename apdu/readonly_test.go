package apdu

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// TestReadOnly tries every instruction in every class, without data and with a code's eight bytes: what gets through is the list
// in docs/command-line.md, and VERIFY PIN with a code never.
func TestReadOnly(t *testing.T) {
	var sent []Command
	guarded := ReadOnly(TransmitterFunc(func(_ context.Context, c Command) (Response, error) {
		sent = append(sent, c)
		return Response{SW: SWOK}, nil
	}))
	allowed := []byte{0xA4, 0xF2, 0xB0, 0xB2, 0xC0, 0xCA, 0x20}
	classes := map[byte]bool{0x00: true, 0x01: true, 0x03: true, 0x80: true, 0x83: true, 0x40: true, 0x4F: true, 0xC0: true, 0xCF: true}
	for cla := range 256 {
		for ins := range 256 {
			for _, data := range [][]byte{nil, make([]byte, 8)} {
				sent = nil
				c := Command{CLA: byte(cla), INS: byte(ins), Data: data, Le: 256}
				_, err := guarded.Transmit(context.Background(), c)
				listed := slices.Contains(allowed, byte(ins)) && (ins != 0x20 || data == nil)
				var refused *ReadOnlyError
				switch {
				case errors.As(err, &refused) && (refused.INS != byte(ins) || refused.CLA != byte(cla)):
					t.Fatalf("%s: the error is of another command: %v", c, refused)
				case err == nil != (len(sent) == 1):
					t.Fatalf("%s: %v, and %d commands sent", c, err, len(sent))
				case err == nil && !listed:
					t.Fatalf("%s was sent", c)
				case err != nil && listed && classes[byte(cla)]:
					t.Fatalf("%s: %v", c, err)
				case err == nil && (BaseClass(byte(cla)) == 0xA0 || SecureMessaging(byte(cla))):
					t.Fatalf("%s was sent", c)
				}
			}
		}
	}
}

func TestReadOnlySays(t *testing.T) {
	for want, e := range map[string]*ReadOnlyError{
		"read only: VERIFY PIN with a code is not sent": {INS: 0x20, Data: 8},
		"read only: INS D6 of class 00 is not sent":     {INS: 0xD6, Data: 9},
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}
