package uicc

import (
	"errors"
	"testing"

	"github.com/simbind/simbind/internal/vectors"
)

type iccidVectors struct {
	Codec []struct {
		ID, ICCID string
		Luhn      *bool `json:"luhn_valid"`
		EF        vectors.Hex
	} `json:"encode_decode"`
	CheckDigit []struct {
		ID, Number string
		Digit      int `json:"check_digit"`
	} `json:"check_digit"`
	Normalise []struct{ ID, Input, Expect string }
}

func loadICCID(t testing.TB) (v iccidVectors) {
	t.Helper()
	vectors.Load(t, "iccid.json", &v)
	if len(v.Codec) == 0 || len(v.CheckDigit) == 0 || len(v.Normalise) == 0 {
		t.Fatal("a group of iccid.json is empty")
	}
	return v
}

func TestICCID(t *testing.T) {
	for _, v := range loadICCID(t).Codec {
		t.Run(v.ID, func(t *testing.T) {
			got, err := DecodeICCID(v.EF)
			if err != nil || got.String() != v.ICCID {
				t.Fatalf("%s %v, want %s", got, err, v.ICCID)
			}
			if b := got.Encode(); string(b[:]) != string(v.EF) {
				t.Errorf("encoded %X, want %X", b, v.EF)
			}
			if v.Luhn != nil && got.CheckDigitOK() != *v.Luhn {
				t.Errorf("check digit right: %v, want %v", got.CheckDigitOK(), *v.Luhn)
			}
			typed, err := ParseICCID(v.ICCID + "F")
			if err != nil || !typed.Same(got) {
				t.Errorf("typed with filler: %s %v", typed, err)
			}
		})
	}
}

func TestICCIDCheckDigit(t *testing.T) {
	for _, v := range loadICCID(t).CheckDigit {
		if got, err := CheckDigit(v.Number); err != nil || got != '0'+byte(v.Digit) {
			t.Errorf("%s: %c %v, want %d", v.ID, got, err, v.Digit)
		}
	}
	if _, err := CheckDigit("12A"); !errors.Is(err, ErrMalformed) {
		t.Error("a letter has no check digit")
	}
	if ICCID("").CheckDigitOK() || ICCID("0").CheckDigitOK() {
		t.Error("nothing has a right check digit")
	}
}

// TestParseICCID: 18 to 20 digits are taken as they are; a digit is never added or removed on a guess.
func TestParseICCID(t *testing.T) {
	for _, v := range loadICCID(t).Normalise {
		got, err := ParseICCID(v.Input)
		if (err != nil) != (v.Expect == "error") {
			t.Errorf("%s: %s %v", v.ID, got, err)
		}
		if err == nil && got.String() != v.Input {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Input)
		}
	}
	if got, err := ParseICCID("8988 2110-0000 0530 082"); err != nil || got != "8988211000000530082" {
		t.Errorf("spaces: %s %v", got, err)
	}
	if _, err := ParseICCID("89882110000005300８2"); err == nil {
		t.Error("wide digits accepted")
	}
}

func TestICCIDRefused(t *testing.T) {
	for name, bad := range map[string]string{
		"nine bytes": "988812010000400310", "hex digit": "9888120100004003A0F0", "filler inside": "98881201F0004003100F",
		"blank": "FFFFFFFFFFFFFFFFFFFF", "nine digits": "98881201F9FFFFFFFFFF", "eleven bytes": "988812010000400310F0FF",
	} {
		if got, err := DecodeICCID(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	if ICCID("").Same("") {
		t.Error("an unknown ICCID is the same as none")
	}
}

func TestICCIDShort(t *testing.T) {
	for in, want := range map[ICCID]string{"8988211000000530082": "898821***0082", "12345": "***"} {
		if got := in.Short(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
