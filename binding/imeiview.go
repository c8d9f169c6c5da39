package binding

import (
	"fmt"
	"log/slog"
	"strings"
)

// IMEIView is an IMEI as a card shows it: whole, or its TAC with F in place of the serial number (card interface §5).
type IMEIView [7]byte

// noIMEI is how a log entry says that there was none (card interface §7).
var noIMEI = IMEIView{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// decodeIMEIView takes 14 digits, or 8 digits and F × 6.
func decodeIMEIView(b []byte) (IMEIView, error) {
	v := IMEIView(b)
	if IMEI(v).decimal() {
		return v, nil
	}
	tac := IMEI(v)
	if tac[4] != 0xFF || tac[5] != 0xFF || tac[6] != 0xFF {
		return v, fmt.Errorf("%w: neither an IMEI nor a TAC", ErrMalformed)
	}
	tac[4], tac[5], tac[6] = 0, 0, 0
	if !tac.decimal() {
		return v, fmt.Errorf("%w: TAC with a nibble that is no digit", ErrMalformed)
	}
	return v, nil
}

// IMEI gives the identity when it is shown whole.
func (v IMEIView) IMEI() (IMEI, bool) { return IMEI(v), IMEI(v).decimal() }

// Is tells whether the card shows this very IMEI, whole.
func (v IMEIView) Is(i IMEI) bool { return IMEI(v) == i }

// String is the digits, with * for what the card does not show.
func (v IMEIView) String() string { return strings.ReplaceAll(fmt.Sprintf("%X", v[:]), "F", "*") }

// Short masks the serial number.
func (v IMEIView) Short() string { return v.String()[:tacDigits] + "******" }

// Text is String when reveal, else Short.
func (v IMEIView) Text(reveal bool) string {
	if reveal {
		return v.String()
	}
	return v.Short()
}

// MarshalText is Short, so that no report shows a whole IMEI by accident.
func (v IMEIView) MarshalText() ([]byte, error) { return []byte(v.Short()), nil }

// LogValue is Short.
func (v IMEIView) LogValue() slog.Value { return slog.StringValue(v.Short()) }
