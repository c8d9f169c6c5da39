package cat

import (
	"errors"
	"fmt"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// Result is a general result (clause 8.12).
type Result byte

// Results this terminal gives.
const (
	Performed          Result = 0x00
	MissingInformation Result = 0x02
	RefreshPerformed   Result = 0x03
	TerminalBusy       Result = 0x20
	BeyondCapabilities Result = 0x30
	TypeNotUnderstood  Result = 0x31
	DataNotUnderstood  Result = 0x32
)

// Answer is what a terminal says to a proactive command.
type Answer struct {
	Result     Result
	Additional []byte // additional information on the result
	Objects    []byte // further COMPREHENSION-TLV objects
}

// TerminalProfile builds TERMINAL PROFILE (TS 102 221 clause 11.2.1).
func TerminalProfile(profile []byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSTerminalProfile, Data: profile}
}

// Fetch builds FETCH of n bytes, 1 to 256 (clause 11.2.3).
func Fetch(n int) apdu.Command { return apdu.Command{CLA: 0x80, INS: apdu.INSFetch, Le: n} }

// TerminalResponse builds TERMINAL RESPONSE (clause 11.2.4): the command's details, the devices turned round, the result.
func TerminalResponse(p ProactiveCommand, a Answer) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: apdu.INSTerminalResponse, Data: responseData([]byte{p.Number, byte(p.Type), p.Qualifier}, a)}
}

func responseData(details []byte, a Answer) []byte {
	b := tlv.AppendComprehension(nil, tagCommandDetails, true, details)
	b = tlv.AppendComprehension(b, tagDevices, true, []byte{deviceTerminal, deviceUICC})
	b = tlv.AppendComprehension(b, tagResult, true, []byte{byte(a.Result)}, a.Additional)
	return append(b, a.Objects...)
}

// Poll builds STATUS as a terminal polls with it: no answer asked for (TS 102 221 clause 11.1.2).
func Poll() apdu.Command { return apdu.Command{CLA: 0x80, INS: apdu.INSStatus, P2: 0x0C} }

// TimerExpired builds ENVELOPE (TIMER EXPIRATION) (clause 7.4): the timer and how long it ran.
func TimerExpired(id byte, value [3]byte) apdu.Command {
	v := tlv.AppendComprehension(nil, tagDevices, true, []byte{deviceTerminal, deviceUICC})
	v = tlv.AppendComprehension(v, tagTimer, true, []byte{id})
	v = tlv.AppendComprehension(v, tagTimerValue, true, value[:])
	return apdu.Command{CLA: 0x80, INS: apdu.INSEnvelope, Data: tlv.Encode(tagTimerExpiration, v), Le: apdu.MaxShortLe}
}

// tagItem is the item identifier of a menu, tagMenuSelection the envelope that tells a choice (clauses 8.10, 7.2).
const (
	tagItem          = 0x10
	tagMenuSelection = 0xD3
	deviceKeypad     = 0x01
)

// MenuSelected builds ENVELOPE (MENU SELECTION) (clause 7.2): the user chose an item of the menu the card set up.
func MenuSelected(item byte) apdu.Command {
	v := tlv.AppendComprehension(nil, tagDevices, true, []byte{deviceKeypad, deviceUICC})
	v = tlv.AppendComprehension(v, tagItem, true, []byte{item})
	return apdu.Command{CLA: 0x80, INS: apdu.INSEnvelope, Data: tlv.Encode(tagMenuSelection, v), Le: apdu.MaxShortLe}
}

// ErrIdentity is wrapped by digits that are no IMEI or IMEISV.
var ErrIdentity = errors.New("identity")

// IMEIObject is the object with an IMEI of 14 or 15 digits; a 15th that is not given goes out as 0, as terminals
// send it (TS 24.008 clause 10.5.1.4, TS 102 223 clause 8.20).
func IMEIObject(digits string) ([]byte, error) {
	if len(digits) == 14 {
		digits += "0"
	}
	b, err := identity(digits, 15, 0x0A)
	if err != nil {
		return nil, err
	}
	return tlv.AppendComprehension(nil, tagIMEI, true, b), nil
}

// IMEISVObject is the object with an IMEISV of 16 digits (clause 8.74).
func IMEISVObject(digits string) ([]byte, error) {
	b, err := identity(digits, 16, 0x03)
	if err != nil {
		return nil, err
	}
	return tlv.AppendComprehension(nil, tagIMEISV, true, b), nil
}

// identity puts the first digit above the type nibble, then swapped pairs; an even count ends with F.
func identity(digits string, want int, kind byte) ([]byte, error) {
	if len(digits) != want {
		return nil, fmt.Errorf("%w: %d digits, want %d", ErrIdentity, len(digits), want)
	}
	out := make([]byte, (want+2)/2)
	for i := range out[1:] {
		out[i+1] = 0xFF
	}
	for i, r := range []byte(digits) {
		if r < '0' || r > '9' {
			return nil, fmt.Errorf("%w: digits alone", ErrIdentity)
		}
		v := r - '0'
		switch {
		case i == 0:
			out[0] = v<<4 | kind
		case i%2 == 1:
			out[(i+1)/2] = 0xF0 | v
		default:
			out[i/2] = out[i/2]&0x0F | v<<4
		}
	}
	return out, nil
}
