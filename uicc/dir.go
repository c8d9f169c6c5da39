package uicc

import (
	"context"
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Application is one record of EF_DIR (clause 13.1).
type Application struct {
	AID           []byte // 5 to 16 bytes
	Label         string // its printable ASCII
	Discretionary []byte // value of tag 73, nil when absent
}

// Length of an AID (ISO/IEC 7816-4 clause 8.2.1.2).
const minAID, maxAID = 5, 16

// ParseDIR reads a record `61 {4F AID, 50 label, 73 …}`, padded with FF. ok is false for a record that holds no
// application.
func ParseDIR(record []byte) (a Application, ok bool, err error) {
	objects, err := tlv.ParseLenient(record)
	if err != nil {
		return a, false, fmt.Errorf("%w: EF_DIR: %w", ErrMalformed, err)
	}
	v, ok := objects.Find(0x61)
	if !ok {
		return a, false, nil
	}
	inner, err := tlv.ParseLenient(v)
	if err != nil {
		return a, false, fmt.Errorf("%w: EF_DIR: %w", ErrMalformed, err)
	}
	aid, _ := inner.Find(0x4F)
	if len(aid) < minAID || len(aid) > maxAID {
		return a, false, fmt.Errorf("%w: EF_DIR: AID of %d bytes", ErrMalformed, len(aid))
	}
	label, _ := inner.Find(0x50)
	discretionary, _ := inner.Find(0x73)
	return Application{
		AID: append([]byte(nil), aid...), Label: printable(label), Discretionary: append([]byte(nil), discretionary...),
	}, true, nil
}

// printable keeps a card from writing control characters to a terminal.
func printable(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, v := range b {
		if v >= 0x20 && v < 0x7F {
			out = append(out, v)
		}
	}
	return string(out)
}

// maxApplications bounds the reading of EF_DIR.
const maxApplications = 32

// ReadDIR reads EF_DIR by its SFI, record by record; the MF has to be current. It ends at the first record the card
// refuses once one was read. Records that cannot be read as templates are passed over.
func ReadDIR(ctx context.Context, t apdu.Transmitter) ([]Application, error) {
	const sfi = 0x1E
	var out []Application
	for n := byte(1); n <= maxApplications; n++ {
		record, err := ReadToEnd(ctx, t, "READ RECORD EF_DIR", ReadRecord(sfi, n, 0))
		if errors.Is(err, apdu.SWRecordNotFound) || n > 1 && errors.As(err, new(*apdu.Error)) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if a, ok, err := ParseDIR(record); err == nil && ok {
			out = append(out, a)
		}
	}
	return out, nil
}
