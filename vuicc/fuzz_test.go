package vuicc_test

import (
	"context"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc"
)

// intact looks for what must hold after any input: the applet answers, and EF_IMSI is the subscriber's or the denial value.
func intact(t *testing.T, c *vuicc.Card) {
	t.Helper()
	st := stateOf(t, c)
	if st.Files != binding.FilesBackup && st.Files != binding.FilesDenial {
		t.Fatalf("EF_IMSI ends as %s", st.Files)
	}
	if got := say(t, c, "00A4040410"+usim+"00"); got[len(got)-4:] != "9000" && got[len(got)-4:][:2] != "91" {
		t.Fatalf("SELECT ADF.USIM: %s", got)
	}
}

// FuzzTerminalResponse lets a terminal answer the card's first question with any bytes.
func FuzzTerminalResponse(f *testing.F) {
	for _, s := range []string{
		"8103012601 82028281 830100 94084A09512430325781",
		"8103012601 82028281 830100 94084AB9512430325781",
		"8103012601 82028281 830100 E209334009512430325781",
		"8103012601 82028281 830130",
		"8103012601 82028281 83022001",
		"8103012600 82028281 830100",
		"8103012601 82028281",
		"81030126018202828183FF00",
		"",
	} {
		f.Add(hexBytes(strings.ReplaceAll(s, " ", "")))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if len(answer) > 255 {
			return
		}
		c := powered(t, "usim-linked")
		if sw := store(t, session(t, c, gp.LevelCMAC), "E00C800102"+pattern(imeiA), 200); !sw.OK() {
			t.Fatal(sw)
		}
		if _, err := c.PowerOn(); err != nil {
			t.Fatal(err)
		}
		if got := say(t, c, profile); got[:2] != "91" {
			t.Fatalf("TERMINAL PROFILE: %s", got)
		}
		if got := say(t, c, "8012000000"); !strings.HasPrefix(got, "D0") {
			t.Fatalf("FETCH: %s", got)
		}
		raw, err := apdu.Command{CLA: 0x80, INS: apdu.INSTerminalResponse, Data: answer}.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := c.Process(raw); err != nil || len(out) < 2 {
			t.Fatalf("%X, %v", out, err)
		}
		intact(t, c)
	})
}

// FuzzTemplates lets the holder of the keys store any template, whole and in blocks: it is refused, or what reads back is a
// configuration that holds.
func FuzzTemplates(f *testing.F) {
	for _, s := range []string{
		"E003800101", "E00C800102 810749015420323751", "E01D 800101 830103 840900FFFFFFFFFFFFFFFF 850104 860102 8A020000",
		"E013800102 820E4901542032375149015420323760", "E203800101", "E203800103", "E20C800104 810749015420323751", "E2078001028A020000", "E000", "E0",
	} {
		f.Add(hexBytes(strings.ReplaceAll(s, " ", "")), byte(200))
		f.Add(hexBytes(strings.ReplaceAll(s, " ", "")), byte(3))
	}
	f.Fuzz(func(t *testing.T, template []byte, most byte) {
		if len(template) > 512 || most == 0 || most > 200 || len(template)/int(most) > 100 {
			return
		}
		c := powered(t, "usim-linked")
		s := session(t, c, gp.LevelCMAC)
		for _, block := range binding.StoreData(template, int(most)) {
			if r, err := s.Transmit(context.Background(), block); err != nil || !r.SW.OK() {
				break
			}
		}
		if raw, err := s.Transmit(context.Background(), binding.GetData(binding.ObjectConfiguration, 0)); err == nil && raw.SW.OK() && len(raw.Data) < 200 {
			if _, err := binding.ParseConfiguration(raw.Data); err != nil {
				t.Fatalf("%X was taken, and reads back as %X: %v", template, raw.Data, err)
			}
		}
		intact(t, c)
	})
}
