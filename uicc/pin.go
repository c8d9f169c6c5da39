package uicc

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/simbind/simbind/secret"
)

// KeyRef is a key reference of TS 102 221 table 9.3.
type KeyRef byte

// Key references. ADM1 to ADM5 are 0A to 0E, ADM6 to ADM10 are 8A to 8E; 01 to 08 are the PINs of applications, 81 to 88
// their second PINs.
const (
	PIN1         KeyRef = 0x01
	UniversalPIN KeyRef = 0x11
	PIN2         KeyRef = 0x81
	ADM1         KeyRef = 0x0A
)

// String is the name people use: "PIN1" for PIN Appl 1, "PIN2" for Second PIN Appl 1, "ADM1".
func (k KeyRef) String() string {
	switch {
	case k == PIN1:
		return "PIN1"
	case k == PIN2:
		return "PIN2"
	case k == UniversalPIN:
		return "universal PIN"
	case k > PIN1 && k <= 0x08:
		return fmt.Sprintf("PIN of application %d (%02X)", k, byte(k))
	case k > PIN2 && k <= 0x88:
		return fmt.Sprintf("second PIN of application %d (%02X)", k&0x0F, byte(k))
	case k >= 0x0A && k <= 0x0E:
		return fmt.Sprintf("ADM%d", k-0x09)
	case k >= 0x8A && k <= 0x8E:
		return fmt.Sprintf("ADM%d", k-0x84)
	}
	return fmt.Sprintf("key %02X", byte(k))
}

// codeLength is what VERIFY carries (clause 9.5.1).
const codeLength = 8

// ErrCode is wrapped by every refusal of a code's form; the code itself is never in the error.
var ErrCode = errors.New("code")

// PIN codes 4 to 8 digits as ASCII, filled with FF to 8 bytes (clause 9.5.1).
func PIN(digits string) (secret.Bytes, error) {
	if len(digits) < 4 || len(digits) > codeLength || !allDigits(digits) {
		return secret.Bytes{}, fmt.Errorf("%w: a PIN is 4 to 8 digits", ErrCode)
	}
	b := []byte(digits)
	for len(b) < codeLength {
		b = append(b, 0xFF)
	}
	defer clear(b)
	return secret.New(b), nil
}

// PUK codes an unblocking code: eight digits (clause 9.5.2).
func PUK(digits string) (secret.Bytes, error) {
	if len(digits) != codeLength || !allDigits(digits) {
		return secret.Bytes{}, fmt.Errorf("%w: an unblocking code is 8 digits", ErrCode)
	}
	return secret.New([]byte(digits)), nil
}

// ADMFromDigits codes an ADM code given as eight ASCII digits.
func ADMFromDigits(digits string) (secret.Bytes, error) {
	if len(digits) != codeLength || !allDigits(digits) {
		return secret.Bytes{}, fmt.Errorf("%w: an ADM code in digits has eight of them", ErrCode)
	}
	return secret.New([]byte(digits)), nil
}

// ADMFromHex codes an ADM code given as sixteen hex digits. Which of the two forms a card's papers mean is a fact of
// the card; a wrong guess burns a try, so nothing here guesses.
func ADMFromHex(text string) (secret.Bytes, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != codeLength {
		return secret.Bytes{}, fmt.Errorf("%w: an ADM code in hex has sixteen hex digits", ErrCode)
	}
	defer clear(b)
	return secret.New(b), nil
}

func allDigits(s string) bool {
	for _, r := range []byte(s) {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
