package trace

import (
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
)

// pasted are the same two exchanges as different tools print them.
var pasted = map[string]string{
	"ours":            "# SELECT MF\n> 00A40004023F00\n< 612F\n\n# x\n> 00B0000009\n< 0102030405060708099000\n",
	"bare":            "00 A4 00 04 02 3F 00\n61 2F\n\n00B0000009\n010203040506070809 9000\n",
	"lower case, 0x":  "0x00 0xa4 0x00 0x04 0x02 0x3f 0x00\n0x61,0x2f\n00b0000009\n010203040506070809 9000",
	"scriptor":        "No reader given: using Reader 00 00\nUsing T=1 protocol\nReading commands from STDIN\n> RESET\n< OK: 3B 9F 96 80 1F 87 80 31 E0 73 FE 21 1B 67 4A 4C 75 30 34 05 4B A9 \n> 00 A4 00 04 02 3F 00\n< 61 2F : 0x2F bytes of response still available.\n> 00 B0 00 00 09\n< 01 02 03 04 05 06 07 08 09 90 00 : Normal processing.\n",
	"scriptor, file":  "Using T=0 protocol\nUsing given file: x\n# a comment\nreset\n> RESET\n< OK: 3B 00 \n00A40004023F00\n> 00 A4 00 04 02 3F 00 \n< 61 2F : 0x2F bytes of response still available.\n00B0000009\n> 00 B0 00 00 09 \n< 01 02 03 04 05 06 07 08 09 90 00 : Normal processing.\n",
	"gscriptor":       "Beginning script execution...\n\n[Reset]\nATR: 3B 9F 96 80 1F 87 80 31 E0 73 FE 21 1B 67 4A 4C \n75 30 34 05 4B A9 \n\nSending: 00 A4 00 04 02 3F 00\nReceived: 61 2F\n0x2F bytes of response still available.\n\nSending: 00 B0 00 00 09\nReceived: 01 02 03 04 05 06 07 08 09 90 00\nNormal processing.\n",
	"pySim":           "-- RESET\n-> 00a4000402 3f00\n<- 612f: \n-> 00b0000009 \n<- 9000: 010203040506070809\n",
	"apdu4j":          "A>> T=1 (4+0002) 00A40004 02 3F00\nA<< (0000+2) (8ms) 612F\nA>> T=1 (4+0000) 00B00000 09\nA<< (0009+2) (12ms) 010203040506070809 9000\n",
	"apdu4j dump":     "# Sent\n00A40004023F00\n# Received in 8ms\n612F\n# Sent\n00B0000009\n# Received in 9ms\n0102030405060708099000\n",
	"modem":           "ATE0\nOK\nAT+CSIM=14,\"00A40004023F00\"\n+CSIM: 4,\"612F\"\n\nOK\nat+csim=10,\"00b0000009\"\n+CSIM: 22,\"0102030405060708099000\"\nOK\n",
	"opensc-tool":     "Using reader with a card: Reader 00 00\nSending: 00 A4 00 04 02 3F 00 \nReceived (SW1=0x61, SW2=0x2F)\nSending: 00 B0 00 00 09 \nReceived (SW1=0x90, SW2=0x00):\n01 02 03 04 05 06 07 08 09                      .........\n",
	"windows, a mark": "\uFEFF> 00A40004023F00\r\n< 612F\r\n> 00B0000009\r\n< 0102030405060708099000\r\n",
}

func TestPasted(t *testing.T) {
	for name, text := range pasted {
		got, err := Read(strings.NewReader(text))
		if err != nil || len(got.Exchanges) != 2 {
			t.Errorf("%s: %d exchanges, %v", name, len(got.Exchanges), err)
			continue
		}
		a, b := got.Exchanges[0], got.Exchanges[1]
		if a.Command != "00A40004023F00" || a.Response != "612F" || b.Command != "00B0000009" || b.Response != "0102030405060708099000" {
			t.Errorf("%s: %+v", name, got.Exchanges)
		}
	}
}

// TestRowsOfSixteen: scriptor breaks answers off after 16 bytes, gscriptor commands too; words of the status word stand behind the last row.
func TestRowsOfSixteen(t *testing.T) {
	const (
		command = "00A4040410A0000000871002FFFFFFFF8907090000"
		fcp     = "621E8202782183023F00A506830400011AE98A01058B032F0602C60690010083010A9000"
	)
	rows := func(s string) string {
		var out strings.Builder
		for i := 0; i < len(s); i += 2 {
			out.WriteString(s[i:i+2] + " ")
			if i%32 == 30 {
				out.WriteString("\n")
			}
		}
		return out.String()
	}
	for n := 2; n <= len(fcp); n += 2 {
		answer := fcp[len(fcp)-n:]
		for name, text := range map[string]string{
			"scriptor":  "> " + command + " \n< " + rows(answer) + " : Normal processing.\n> 00B0000000\n< 6A 82 : Wrong parameter(s) P1-P2. File not found.\n",
			"gscriptor": "Sending: " + rows(command) + "\nReceived: " + rows(answer) + "\nNormal processing.\n\nSending: 00 B0 00 00 00 \nReceived: 6A 82 \nWrong parameter(s) P1-P2. File not found.\n\n",
		} {
			got, err := Read(strings.NewReader(text))
			if err != nil || len(got.Exchanges) != 2 {
				t.Fatalf("%s, %d bytes: %d exchanges, %v\n%s", name, n/2, len(got.Exchanges), err, text)
			}
			if x, y := got.Exchanges[0], got.Exchanges[1]; x.Command != command || x.Response != answer || y.Command != "00B0000000" || y.Response != "6A82" {
				t.Errorf("%s, %d bytes: %+v", name, n/2, got.Exchanges)
			}
		}
	}
	got, err := Read(strings.NewReader("00A4040410A0000000871002FFFFFF89\n9000\n")) // 16 bytes, and a mistake: it is no row
	if err != nil || len(got.Exchanges) != 1 || got.Exchanges[0].Response != "9000" {
		t.Error(got, err)
	}
}

func TestPastedPieces(t *testing.T) {
	got, err := Read(strings.NewReader("00A40004023F00\n00B0000009\n# reset\n; x\n// y\n> 0020000108[8 bytes]\n< 63C2\n"))
	if err != nil || len(got.Exchanges) != 3 {
		t.Fatal(got, err)
	}
	if x := got.Exchanges[0]; x.Response != "" {
		t.Errorf("a command without an answer: %+v", x)
	}
	x := got.Exchanges[2]
	if c, hidden, err := x.Sent(); err != nil || !hidden || len(c.Data) != 8 || c.INS != apdu.INSVerifyPIN {
		t.Errorf("%+v: %v %v", c, hidden, err)
	}
	if x.Notes[0] != ResetNote || len(x.Notes) != 3 || x.Line != 6 {
		t.Errorf("%+v", x)
	}
}

func TestPastedFaults(t *testing.T) {
	for text, want := range map[string]string{
		"hello\n":                           "line 1: neither hex",
		"hello\n00A40004023F00\n9000\n":     "line 1: neither hex",
		"> 00A40004023F00\nhello\n":         "line 2: neither hex",
		"iccid,kvn\n":                       "line 1: neither hex",
		"\n< 9000\n":                        "line 2: an answer without",
		"> 00XY\n":                          "line 1: the command is neither",
		"> 00A4\n< 90:00\n< 9000\n":         "line 3: an answer without",
		"> 00A40004023F00\n< [8 bytes\n":    "line 2: the answer is neither",
		"> " + strings.Repeat("0", maxLine): "line 1: bufio",
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, ErrTranscript) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	for want, c := range map[string]apdu.Command{
		"SELECT EF_IMSI":                  {INS: apdu.INSSelect, Data: []byte{0x6F, 0x07}},
		"SELECT MF (class A0)":            {CLA: 0xA0, INS: apdu.INSSelect, Data: []byte{0x3F, 0x00}},
		"READ BINARY SFI 07 on channel 1": {CLA: 0x01, INS: apdu.INSReadBinary, P1: 0x87, Le: 9},
		"READ RECORD 1 SFI 1E":            {INS: apdu.INSReadRecord, P1: 1, P2: 0xF4, Le: 9},
		"VERIFY 0A (counter)":             {INS: apdu.INSVerifyPIN, P2: 0x0A},
		"GET DATA E1":                     {CLA: 0x80, INS: apdu.INSGetData, P2: 0xE1},
		"GET DATA E4 part 1":              {CLA: 0x80, INS: apdu.INSGetData, P1: 1, P2: 0xE4},
		"GET DATA 9F7F":                   {CLA: 0x80, INS: apdu.INSGetData, P1: 0x9F, P2: 0x7F},
		"GET STATUS 40 (applications)":    {CLA: 0x80, INS: apdu.INSStatus, P1: 0x40, Data: []byte{0x4F, 0}},
		"STATUS":                          {CLA: 0x80, INS: apdu.INSStatus},
		"INSTALL (for load), secured":     {CLA: 0x84, INS: apdu.INSInstall, P1: 0x02, Data: []byte{0}},
		"STORE DATA block 1, secured":     {CLA: 0x84, INS: apdu.INSStoreData, P1: 0x90, P2: 1, Data: []byte{0}},
		"MANAGE CHANNEL (open)":           {INS: apdu.INSManageChannel},
		"INS EE":                          {INS: 0xEE},
		"SELECT the default application":  {INS: apdu.INSSelect, P1: 4},
		"SELECT parent":                   {INS: apdu.INSSelect, P1: 3},
		"SET STATUS (applications)":       {CLA: 0x80, INS: apdu.INSSetStatus, P1: 0x40},
		"SELECT 6FFE":                     {INS: apdu.INSSelect, Data: []byte{0x6F, 0xFE}},
		"SELECT AID A0000000871002":       {INS: apdu.INSSelect, P1: 4, Data: []byte{0xA0, 0, 0, 0, 0x87, 0x10, 0x02}},
		"UPDATE BINARY offset 258":        {INS: apdu.INSUpdateBinary, P1: 1, P2: 2, Data: []byte{0}},
		"EXTERNAL AUTHENTICATE, secured":  {CLA: 0x84, INS: apdu.INSExternalAuth, Data: []byte{0}},
	} {
		if got := Name(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range pasted {
		f.Add(text)
	}
	f.Add("Sending: 00\nReceived (SW1=0x90, SW2=0x00):\n0")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, x := range got.Exchanges {
			if !hexOrMask(x.Command) || !hexOrMask(x.Response) || x.Command == "" {
				t.Fatalf("accepted %+v", x)
			}
			_, _, _ = x.Sent()
			_, _, _ = x.Got()
		}
	})
}
