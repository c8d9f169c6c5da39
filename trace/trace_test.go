package trace

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
)

// echo answers 9 bytes that look like an EF_IMSI to every command that expects data.
var echo = apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
	if c.Le == 0 {
		return apdu.Response{SW: apdu.SWOK}, nil
	}
	return apdu.Response{Data: personalBytes, SW: apdu.SWOK}, nil
})

var personalBytes = []byte{0x08, 0x09, 0x10, 0x10, 0x00, 0x00, 0x21, 0x43, 0x65}

const personalHex = "080910100000214365"

func record(t *testing.T, reveal bool, commands ...apdu.Command) string {
	t.Helper()
	var buf bytes.Buffer
	r := Record(echo, &buf, Options{Reveal: reveal})
	for _, c := range commands {
		if _, err := r.Transmit(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	return buf.String()
}

// TestSecretsNeverStandInATranscript, whatever is asked for.
func TestSecretsNeverStandInATranscript(t *testing.T) {
	code := []byte{0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE}
	for _, ins := range []byte{apdu.INSVerifyPIN, apdu.INSChangePIN, apdu.INSDisablePIN, apdu.INSEnablePIN, apdu.INSUnblockPIN, apdu.INSAuthenticate, apdu.INSExternalAuth, apdu.INSPutKey} {
		for _, reveal := range []bool{false, true} {
			if text := record(t, reveal, apdu.Command{INS: ins, Data: code}); strings.Contains(text, "C0DE") || !strings.Contains(text, "[8 BYTES]") {
				t.Errorf("INS %02X, reveal %v: %s", ins, reveal, text)
			}
		}
	}
}

// TestKeysNeverStandInATranscript, be they read, written, or collected by GET RESPONSE.
func TestKeysNeverStandInATranscript(t *testing.T) {
	read, get := apdu.Command{INS: apdu.INSReadBinary, Le: 9}, apdu.Command{INS: apdu.INSGetResponse, Le: 9}
	file := func(path ...byte) apdu.Command {
		return apdu.Command{INS: apdu.INSSelect, P1: 0x08, P2: 0x0C, Data: path}
	}
	for name, talk := range map[string][]apdu.Command{
		"EF_Keys":                 {file(0x7F, 0xFF, 0x6F, 0x08), read},
		"EF_Keys by SFI":          {{INS: apdu.INSReadBinary, P1: 0x88, Le: 9}},
		"EF_Keys written":         {file(0x7F, 0xFF, 0x6F, 0x08), {INS: apdu.INSUpdateBinary, Data: personalBytes}},
		"EF_Kc":                   {file(0x7F, 0x20, 0x6F, 0x20), read},
		"EF_EPSNSC":               {{INS: apdu.INSReadRecord, P1: 1, P2: 0x18<<3 | 4, Le: 9}},
		"5G context":              {file(0x7F, 0xFF, 0x5F, 0xC0, 0x4F, 0x03), {INS: apdu.INSReadRecord, P1: 1, P2: 4, Le: 9}},
		"5G context by SFI":       {file(0x7F, 0xFF, 0x5F, 0xC0), {INS: apdu.INSReadRecord, P1: 1, P2: 0x03<<3 | 4, Le: 9}},
		"5G keys by SFI":          {{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x5F, 0xC0}}, {INS: apdu.INSReadBinary, P1: 0x85, Le: 9}},
		"answer to AUTHENTICATE":  {{INS: apdu.INSAuthenticate, Data: []byte{1}, Le: 9}},
		"collected":               {{INS: apdu.INSAuthenticate, Data: []byte{1}}, get, get},
		"keys in STORE DATA, DGI": {{CLA: 0x80, INS: apdu.INSStoreData, P1: 0x88, Data: personalBytes}},
		"encrypted STORE DATA":    {{CLA: 0x80, INS: apdu.INSStoreData, P1: 0xF0, Data: personalBytes}},
	} {
		if text := record(t, true, talk...); strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestIdentitiesAreMasked unless asked for.
func TestIdentitiesAreMasked(t *testing.T) {
	selectIMSI := apdu.Command{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x6F, 0x07}}
	selectAD := apdu.Command{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x6F, 0xAD}}
	for name, talk := range map[string][]apdu.Command{
		"EF_IMSI selected":     {selectIMSI, {INS: apdu.INSReadBinary, Le: 9}},
		"EF_IMSI by SFI":       {{INS: apdu.INSReadBinary, P1: 0x87, Le: 9}},
		"EF_ICCID by SFI":      {{INS: apdu.INSReadBinary, P1: 0x82, Le: 10}},
		"file not known":       {{INS: apdu.INSReadBinary, Le: 9}},
		"EF_LOCI collected":    {{INS: apdu.INSReadBinary, P1: 0x8B}, {INS: apdu.INSGetResponse, Le: 9}},
		"by SFI, then current": {selectAD, {INS: apdu.INSReadBinary, P1: 0x87, Le: 9}, {INS: apdu.INSReadBinary, Le: 9}},
		"state of the applet":  {{CLA: 0x80, INS: apdu.INSGetData, P2: 0xE1, Le: 256}},
		"applet selected":      {{INS: apdu.INSSelect, P1: 0x04, Data: []byte{0xF0, 0x53, 0x49}, Le: 256}},
		"update":               {{INS: apdu.INSUpdateBinary, Data: personalBytes}},
		"terminal response":    {{CLA: 0x80, INS: apdu.INSTerminalResponse, Data: personalBytes}},
		"STORE DATA":           {{CLA: 0x84, INS: apdu.INSStoreData, P1: 0x90, Data: personalBytes}},
	} {
		if text := record(t, false, talk...); strings.Contains(text, personalHex) {
			t.Errorf("%s: %s", name, text)
		}
		if text := record(t, true, talk...); !strings.Contains(text, personalHex) {
			t.Errorf("%s, revealed: %s", name, text)
		}
	}
	public := []apdu.Command{{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x6F, 0xAD}}, {INS: apdu.INSReadBinary, Le: 9}, {INS: apdu.INSReadBinary, P1: 0x84, Le: 9}}
	if text := record(t, false, public...); strings.Count(text, personalHex) != 2 {
		t.Errorf("EF_AD and EF_UST are masked: %s", text)
	}
}

func TestReplay(t *testing.T) {
	talk := []apdu.Command{{INS: apdu.INSSelect, P2: 0x0C, Data: []byte{0x6F, 0xAD}}, {INS: apdu.INSReadBinary, Le: 9}}
	text := record(t, true, talk...)
	transcript, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	player, err := Replay(transcript)
	if err != nil {
		t.Fatal(err)
	}
	if err := player.Done(); err == nil {
		t.Error("commands were left over, and nobody said so")
	}
	for _, c := range talk {
		if _, err := player.Transmit(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := player.Done(); err != nil {
		t.Error(err)
	}
	if _, err := player.Transmit(context.Background(), talk[0]); !errors.Is(err, ErrTranscript) {
		t.Errorf("beyond the end: %v", err)
	}
	if player, err = Replay(transcript); err != nil {
		t.Fatal(err)
	}
	if _, err := player.Transmit(context.Background(), talk[1]); !errors.Is(err, ErrTranscript) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("another command: %v", err)
	}
	masked, err := Parse(strings.NewReader(record(t, false, apdu.Command{INS: apdu.INSVerifyPIN, Data: make([]byte, 8)})))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Replay(masked); !errors.Is(err, ErrTranscript) {
		t.Errorf("a redacted transcript: %v", err)
	}
}

func TestTranscriptFaults(t *testing.T) {
	for text, want := range map[string]string{
		"> 00A4\n> 00A4\n< 9000\n": "line 2: a second command",
		"< 9000\n":                 "line 1: an answer without",
		"> 00A4\n":                 "no answer",
		"> 00XY\n< 9000\n":         "line 1: neither hex",
		"> 00A40\n< 9000\n":        "line 1: neither hex",
		"hello\n":                  "line 1: a line begins",
	} {
		if _, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrTranscript) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCount(t *testing.T) {
	now := time.Unix(0, 0)
	c := Count(echo, func() time.Time { now = now.Add(time.Millisecond); return now })
	c.Phase("first")
	for range 2 {
		if _, err := c.Transmit(context.Background(), apdu.Command{INS: apdu.INSReadBinary, Le: 9}); err != nil {
			t.Fatal(err)
		}
	}
	c.Phase("empty")
	c.Phase("second")
	if _, err := c.Transmit(context.Background(), apdu.Command{INS: apdu.INSUpdateBinary, Data: personalBytes}); err != nil {
		t.Fatal(err)
	}
	got := c.Phases()
	want := []Phase{{"first", 2, 10, 22, 2 * time.Millisecond}, {"second", 1, 14, 2, time.Millisecond}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# x\n> 00A40004023F00\n< 9000\n")
	f.Add("> 0020000108[8 BYTES]\n< 63C2\n")
	f.Add("> [\n< ]\n")
	f.Fuzz(func(t *testing.T, text string) {
		transcript, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, x := range transcript.Exchanges {
			_, _, _ = x.Sent()
			_, _, _ = x.Got()
		}
		for _, x := range transcript.Exchanges {
			if _, err := hex.DecodeString(withoutMasks(x.Command)); err != nil {
				t.Fatalf("accepted %q", x.Command)
			}
		}
		if player, err := Replay(transcript); err == nil {
			_, _ = player.Transmit(context.Background(), apdu.Command{})
		}
	})
}
