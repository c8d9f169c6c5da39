package binding

import (
	"bytes"
	"fmt"

	"github.com/simbind/simbind/tlv"
)

// SelectAnswer is what SELECT of the applet tells (card interface §2).
type SelectAnswer struct {
	AID         []byte
	MaxCommand  int // bytes of command data the applet takes; 255 when it does not say
	Information Information
	State       State // open view
}

// OtherApplicationError is an answer to SELECT whose tag 84 is not the AID asked for: nothing in it is of the binding applet.
type OtherApplicationError struct{ Asked, Got []byte }

// Error reads "SELECT of F0…01 was answered by A0…00".
func (e *OtherApplicationError) Error() string {
	return fmt.Sprintf("SELECT of %X was answered by %X", e.Asked, e.Got)
}

// Is makes it an ErrMalformed too.
func (e *OtherApplicationError) Is(target error) bool { return target == ErrMalformed }

var (
	fciFields         = map[tlv.Tag]field{0x84: {least: 5, most: 16, required: true}, 0xA5: {most: 65535, required: true}}
	proprietaryFields = map[tlv.Tag]field{
		0x9F65: {least: 1, most: 2}, tagInformation: {most: 65535, required: true}, tagState: {most: 65535, required: true},
	}
)

// ParseSelectAnswer reads the FCI 6F {84 AID, A5 {9F65, E3, E1}} and trusts it only when tag 84 is the AID asked for; else
// the error is *OtherApplicationError.
func ParseSelectAnswer(b, aid []byte) (SelectAnswer, error) {
	fci, err := open(b, 0x6F, nil)
	if err != nil {
		return SelectAnswer{}, err
	}
	if got, ok := fci.Find(0x84); ok && !bytes.Equal(got, aid) {
		return SelectAnswer{}, &OtherApplicationError{Asked: bytes.Clone(aid), Got: bytes.Clone(got)}
	}
	if err := check(0x6F, fci, fciFields); err != nil {
		return SelectAnswer{}, err
	}
	proprietary, _ := fci.Find(0xA5) // required
	objects, err := inside(proprietary, 0xA5, proprietaryFields)
	if err != nil {
		return SelectAnswer{}, err
	}
	return parseProprietary(objects, aid)
}

func parseProprietary(objects tlv.Objects, aid []byte) (SelectAnswer, error) {
	out := SelectAnswer{AID: bytes.Clone(aid), MaxCommand: 255}
	if v, ok := objects.Find(0x9F65); ok {
		out.MaxCommand = 0
		for _, x := range v {
			out.MaxCommand = out.MaxCommand<<8 | int(x)
		}
	}
	if out.MaxCommand == 0 {
		return SelectAnswer{}, fmt.Errorf("%w: A5 tag 9F65: no command data at all", ErrMalformed)
	}
	var err error
	info, _ := objects.Find(tagInformation) // required, as the next
	if out.Information, err = parseInformation(info); err != nil {
		return SelectAnswer{}, err
	}
	state, _ := objects.Find(tagState)
	if out.State, err = ParseState(tlv.Encode(tagState, state)); err != nil {
		return SelectAnswer{}, err
	}
	return out, nil
}
