package uicc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/secret"
)

func TestCodes(t *testing.T) {
	for name, row := range map[string]struct {
		build func(string) (secret.Bytes, error)
		text  string
		want  string // hex; empty: refused
	}{
		"PIN of four":          {PIN, "1234", "31323334FFFFFFFF"},
		"PIN of eight":         {PIN, "12345678", "3132333435363738"},
		"PIN of three":         {PIN, "123", ""},
		"PIN of nine":          {PIN, "123456789", ""},
		"PIN with a letter":    {PIN, "12a4", ""},
		"PUK":                  {PUK, "12345678", "3132333435363738"},
		"PUK of seven":         {PUK, "1234567", ""},
		"ADM digits":           {ADMFromDigits, "88888888", "3838383838383838"},
		"ADM digits, sixteen":  {ADMFromDigits, "3838383838383838", ""},
		"ADM digits, hex":      {ADMFromDigits, "8888888A", ""},
		"ADM hex":              {ADMFromHex, "00112233445566fF", "00112233445566FF"},
		"ADM hex, eight":       {ADMFromHex, "88888888", ""},
		"ADM hex, not hex":     {ADMFromHex, "0011223344556677"[:14] + "GG", ""},
		"ADM hex of 17 digits": {ADMFromHex, "00112233445566778", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := row.build(row.text)
			if row.want == "" {
				if !errors.Is(err, ErrCode) || strings.Contains(err.Error(), row.text) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || fmt.Sprintf("%X", got.Reveal()) != row.want {
				t.Errorf("%X %v, want %s", got.Reveal(), err, row.want)
			}
		})
	}
}

func TestKeyRefNames(t *testing.T) {
	for ref, want := range map[KeyRef]string{
		PIN1: "PIN1", PIN2: "PIN2", UniversalPIN: "universal PIN", ADM1: "ADM1", 0x0E: "ADM5", 0x8A: "ADM6", 0x8E: "ADM10",
		0x02: "PIN of application 2 (02)", 0x83: "second PIN of application 3 (83)", 0x00: "key 00", 0x0F: "key 0F",
	} {
		if ref.String() != want {
			t.Errorf("%02X: %s, want %s", byte(ref), ref, want)
		}
	}
}

func TestTries(t *testing.T) {
	for sw, want := range map[string]PINState{
		"63C3": {TriesLeft: 3}, "63C0": {TriesLeft: 0, Blocked: true}, "6983": {TriesLeft: 0, Blocked: true},
		"9000": {TriesLeft: -1, Open: true}, "6984": {TriesLeft: -1, Disabled: true}, "6A88": {TriesLeft: -1, Absent: true},
		"6700": {TriesLeft: -1}, "6A86": {TriesLeft: -1}, "6D00": {TriesLeft: -1}, "6300": {TriesLeft: -1}, "6982": {TriesLeft: -1},
	} {
		t.Run(sw, func(t *testing.T) {
			got, err := Tries(t.Context(), play(t, [2]string{"0020000A", sw}), ADM1)
			want.Ref, want.SW = ADM1, apdu.SW(unhex(t, sw)[0])<<8|apdu.SW(unhex(t, sw)[1])
			if err != nil || got != want {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	if _, err := Tries(t.Context(), play(t, [2]string{"0020000A", ""}), ADM1); !errors.Is(err, errLink) {
		t.Errorf("link: %v", err)
	}
	got, err := UnblockTries(t.Context(), play(t, [2]string{"002C0001", "63CA"}), PIN1)
	if err != nil || got.TriesLeft != 10 {
		t.Errorf("%+v %v", got, err)
	}
	got, _ = UnblockTries(t.Context(), play(t, [2]string{"002C0001", "9000"}), PIN1)
	if got.Open || got.TriesLeft != -1 {
		t.Errorf("9000 tells nothing of an unblocking code: %+v", got)
	}
}

const sentADM = "0020000A083838383838383838"

func TestVerify(t *testing.T) {
	code, err := ADMFromDigits("88888888")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		floor  int
		count  string
		answer string // of the attempt; "-": none is made
		want   *PINError
		text   string
	}{
		"right":                 {1, "63C3", "9000", nil, ""},
		"right, toolkit waits":  {1, "63C3", "9115", nil, ""},
		"open already":          {1, "9000", "-", nil, ""},
		"wrong":                 {1, "63C3", "63C2", &PINError{TriesLeft: 2, SW: 0x63C2}, "VERIFY ADM1: 63C2: wrong code, 2 tries left"},
		"wrong, one left":       {1, "63C2", "63C1", &PINError{TriesLeft: 1, SW: 0x63C1}, "VERIFY ADM1: 63C1: wrong code, 1 try left"},
		"at the floor":          {1, "63C1", "-", &PINError{TriesLeft: 1, Refused: true, SW: 0x63C1}, "VERIFY ADM1: not attempted, only 1 try left"},
		"floor lowered":         {0, "63C1", "63C0", &PINError{Blocked: true, SW: 0x63C0}, "VERIFY ADM1: 63C0: blocked, no tries left"},
		"floor of three":        {3, "63C3", "-", &PINError{TriesLeft: 3, Refused: true, SW: 0x63C3}, "VERIFY ADM1: not attempted, only 3 tries left"},
		"no floor, none left":   {-1, "63C0", "-", &PINError{Blocked: true, SW: 0x63C0}, "VERIFY ADM1: 63C0: blocked, no tries left"},
		"blocked":               {0, "6983", "-", &PINError{Blocked: true, SW: 0x6983}, "VERIFY ADM1: 6983: blocked, no tries left"},
		"blocked meanwhile":     {1, "63C3", "6983", &PINError{Blocked: true, SW: 0x6983}, "VERIFY ADM1: 6983: blocked, no tries left"},
		"no such code":          {0, "6A88", "-", &PINError{TriesLeft: -1, Refused: true, SW: 0x6A88}, "VERIFY ADM1: 6A88: not attempted, the card has no such code"},
		"disabled":              {0, "6984", "-", &PINError{TriesLeft: -1, Refused: true, SW: 0x6984}, "VERIFY ADM1: 6984: not attempted, the code is disabled"},
		"counter not told":      {0, "6700", "-", &PINError{TriesLeft: -1, Refused: true, SW: 0x6700}, "VERIFY ADM1: not attempted, the card does not tell its tries (6700)"},
		"refused without count": {1, "63C3", "6982", &PINError{TriesLeft: -1, SW: 0x6982}, "VERIFY ADM1: 6982: security status not satisfied"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := [][2]string{{"0020000A", row.count}}
			if row.answer != "-" {
				lines = append(lines, [2]string{sentADM, row.answer})
			}
			err := Verify(t.Context(), play(t, lines...), ADM1, code, row.floor)
			if row.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			row.want.Command, row.want.Ref = "VERIFY", ADM1
			var got *PINError
			if !errors.As(err, &got) || !errors.Is(err, row.want.SW) {
				t.Fatalf("%v", err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
			if err.Error() != row.text {
				t.Errorf("%q, want %q", err, row.text)
			}
		})
	}
}

// TestVerifyUnsent: what must never reach the card, and what is unknown when the link breaks.
func TestVerifyUnsent(t *testing.T) {
	for _, code := range []secret.Bytes{{}, secret.New(nil), secret.New([]byte("1234")), secret.New([]byte("123456789"))} {
		if err := Verify(t.Context(), play(t), PIN1, code, 0); !errors.Is(err, ErrCode) {
			t.Errorf("%d bytes: %v", code.Len(), err)
		}
	}
	code := secret.New([]byte("88888888"))
	for _, lines := range [][][2]string{{{"0020000A", ""}}, {{"0020000A", "63C3"}, {sentADM, ""}}} {
		err := Verify(t.Context(), play(t, lines...), ADM1, code, 1)
		var link *apdu.LinkError
		if !errors.As(err, &link) || errors.As(err, new(*PINError)) {
			t.Errorf("%v", err)
		}
	}
}

func TestChangeAndUnblock(t *testing.T) {
	old, fresh := secret.New([]byte("1111\xFF\xFF\xFF\xFF")), secret.New([]byte("2222\xFF\xFF\xFF\xFF"))
	puk := secret.New([]byte("12345678"))
	const sentOld, sentNew, sentPUK = "31313131FFFFFFFF", "32323232FFFFFFFF", "3132333435363738"
	change := [2]string{"0024000110" + sentOld + sentNew, "9000"}
	for _, count := range []string{"63C3", "9000"} {
		if err := Change(t.Context(), play(t, [2]string{"00200001", count}, change), PIN1, old, fresh, 1); err != nil {
			t.Errorf("change after %s: %v", count, err)
		}
	}
	var e *PINError
	err := Change(t.Context(), play(t, [2]string{"00200001", "63C1"}), PIN1, old, fresh, 1)
	if !errors.As(err, &e) || !e.Refused || e.Command != "CHANGE PIN" {
		t.Errorf("change at the floor: %v", err)
	}
	err = Unblock(t.Context(), play(t, [2]string{"002C0001", "63CA"}, [2]string{"002C000110" + sentPUK + sentNew, "9000"}), PIN1, puk, fresh, 1)
	if err != nil {
		t.Errorf("unblock: %v", err)
	}
	err = Unblock(t.Context(), play(t, [2]string{"002C0001", "63CA"}, [2]string{"002C000110" + sentPUK + sentNew, "63C9"}), PIN1, puk, fresh, 1)
	if !errors.As(err, &e) || e.TriesLeft != 9 || e.Error() != "UNBLOCK PIN PIN1: 63C9: wrong code, 9 tries left" {
		t.Errorf("wrong PUK: %v", err)
	}
	for _, count := range []string{"9000", "63C1", "6983", "6D00"} {
		if err := Unblock(t.Context(), play(t, [2]string{"002C0001", count}), PIN1, puk, fresh, 1); !errors.As(err, &e) {
			t.Errorf("unblock after %s: %v", count, err)
		}
	}
}

// TestSecretsStayInside prints everything that has to do with a code.
func TestSecretsStayInside(t *testing.T) {
	code := secret.New([]byte("87654321"))
	err := Verify(t.Context(), play(t, [2]string{"0020000A", "63C3"}, [2]string{"0020000A083837363534333231", "63C2"}), ADM1, code, 1)
	asJSON, _ := json.Marshal(err)
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), string(asJSON), VerifyPIN(ADM1, code).String()} {
		for _, secret := range []string{"87654321", "3837363534333231", "56 55 54 53"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows the code", text)
			}
		}
	}
	if string(code.Reveal()) != "87654321" {
		t.Error("sending a code wiped the caller's copy")
	}
}
