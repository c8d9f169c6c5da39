package apdu

import (
	"context"
	"fmt"
	"slices"
)

// readOnlyINS are the instructions that change nothing on a card: SELECT, STATUS, READ BINARY, READ RECORD, GET RESPONSE, GET DATA,
// and VERIFY PIN without data, which asks for the counter (TS 102 221 clause 11.1.9.1.2).
var readOnlyINS = []byte{INSSelect, INSStatus, INSReadBinary, INSReadRecord, INSGetResponse, INSGetData, INSVerifyPIN}

// ReadOnlyError is a command that was refused before anything was sent, because it might change the card.
type ReadOnlyError struct {
	CLA, INS byte
	Data     int // bytes of command data
}

// Error reads "read only: INS D6 of class 00 is not sent".
func (e *ReadOnlyError) Error() string {
	if e.INS == INSVerifyPIN && e.Data > 0 {
		return "read only: VERIFY PIN with a code is not sent"
	}
	return fmt.Sprintf("read only: INS %02X of class %02X is not sent", e.INS, e.CLA)
}

// ReadOnly wraps a card so that nothing but reading gets through: classes 0X and 8X without secure messaging and the
// instructions of the list. Everything else is a *ReadOnlyError, and the card never sees it.
func ReadOnly(t Transmitter) Transmitter {
	return TransmitterFunc(func(ctx context.Context, c Command) (Response, error) {
		if !readsOnly(c) {
			return Response{}, &ReadOnlyError{CLA: c.CLA, INS: c.INS, Data: len(c.Data)}
		}
		return t.Transmit(ctx, c)
	})
}

func readsOnly(c Command) bool {
	base := BaseClass(c.CLA)
	switch {
	case base != 0x00 && base != 0x80, SecureMessaging(c.CLA):
		return false
	case c.INS == INSVerifyPIN && len(c.Data) > 0:
		return false
	}
	return slices.Contains(readOnlyINS, c.INS)
}
