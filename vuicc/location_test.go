package vuicc_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// used is a card that a subscriber has used: it knows where he was, and five networks that refused him.
func used(t *testing.T, e0 string) *world {
	t.Helper()
	img, err := image.Get("usim-linked")
	if err != nil {
		t.Fatal(err)
	}
	img.Applets[0].Application = append(bytes.Clone(img.Applets[0].Application), hexBytes(e0)...)
	for i := range img.Files {
		switch f := &img.Files[i]; f.Path {
		case "ADF1/6F7E":
			f.Content = hexBytes("1122334462F2200001FF00")
		case "ADF1/6F7B":
			f.Content = hexBytes("62F22062F23062F24062F25062F260")
		case "ADF1/5FC0/4F01":
			f.Content = hexBytes("0BF262F220" + strings.Repeat("11", 8) + "62F22000000100")
		}
	}
	card, err := vuicc.New(img, vuicc.WithRand(rand.New(rand.NewSource(1))))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, card: card}
}

// TestLocationIsForgotten: a denied terminal finds nothing of the subscriber, and REFRESH 02 lists every file that changed,
// EF_IMSI first (§8.6, §8.7).
func TestLocationIsForgotten(t *testing.T) {
	w := used(t, "E00F800102"+pattern(imeiA)+"850102")
	if _, err := w.card.PowerOn(); err != nil {
		t.Fatal(err)
	}
	profile, err := cat.NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	report, err := cat.New(link(w.card), contacts{w.card}, cat.Config{Profile: profile, IMEI: imeiB, ADF: image.USIM()}).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var listed [][]uint16
	for _, r := range report.Rounds {
		if r.Command.Type == cat.Refresh {
			listed = r.Command.Files()
		}
	}
	want := "[[3F00 7FFF 6F07] [3F00 7FFF 6F7E] [3F00 7FFF 5FC0 4F01] [3F00 7FFF 6F7B]]"
	if got := fmt.Sprintf("%04X", listed); got != want {
		t.Errorf("REFRESH lists %s, want %s", got, want)
	}
	for path, want := range map[string]string{
		"ADF1/6F7E":      "FFFFFFFF62F2200000FF01",
		"ADF1/6F7B":      strings.Repeat("FF", 15),
		"ADF1/5FC0/4F01": strings.Repeat("FF", 13) + "62F22000000001",
	} {
		if got := fmt.Sprintf("%X", w.file(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestKeptLocation: with policy b5 everything stays.
func TestKeptLocation(t *testing.T) {
	w := used(t, "E00F800102"+pattern(imeiA)+"830110")
	before := w.file("ADF1/6F7B")
	w.happen(start(imeiB))
	if got := w.file("ADF1/6F7B"); !bytes.Equal(got, before) {
		t.Errorf("EF_FPLMN became %X", got)
	}
}

// TestEFIPSOfAnother: a file that another pairing applet writes is left to it (§8.8).
func TestEFIPSOfAnother(t *testing.T) {
	w := begin(t, life{image: "usim-linked", e0: "E00F800102" + pattern(imeiA) + "830108", denial: denialNone})
	if _, err := w.card.PowerOn(); err != nil {
		t.Fatal(err)
	}
	talk(t, w.card, selUSIM, "62…", verifyA, "9000", "00A40004026FF1", "9000", "00DC0003044F4B01FF", "9000")
	w.happen(start(imeiB))
	if got := fmt.Sprintf("%X", w.file("ADF1/6FF1")); !strings.HasPrefix(got, "4F4B01FFFFFFFFFF") {
		t.Errorf("EF_IPS became %s", got)
	}
}

// TestPreviousBackupBecameTheDenialValue: a replaced backup that is the denial value now is not gone back to (I2).
func TestPreviousBackupBecameTheDenialValue(t *testing.T) {
	w := begin(t, life{image: "usim-separate", e0: "E003800101", denial: denialNone})
	w.happen(start(imeiA))
	w.happen(writes(newIMSI))
	w.happen(start(imeiA))
	s := session(t, w.card, gp.LevelCMAC)
	if sw := store(t, s, "E00E 800101 8409"+oldIMSI, 200); !sw.OK() {
		t.Fatal(sw)
	}
	if sw := store(t, s, "E203800106", 200); sw != apdu.SWConditions {
		t.Errorf("action 06: %s", sw)
	}
	if st := stateOf(t, w.card); st.Files != binding.FilesBackup {
		t.Errorf("EF_IMSI is %s", st.Files)
	}
	w.happen(start(imeiA))
	if got := fmt.Sprintf("%X", w.file("ADF1/6F07")); got != newIMSI {
		t.Errorf("the bound terminal sees %s", got)
	}
}
