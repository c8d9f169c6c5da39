package vuicc_test

import (
	"context"
	"math/rand"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/image"
)

// offering is a powered card whose applet offers these features.
func offering(t *testing.T, features byte) *vuicc.Card {
	t.Helper()
	img, err := image.Get("usim-linked")
	if err != nil {
		t.Fatal(err)
	}
	c, err := vuicc.New(img, vuicc.WithRand(rand.New(rand.NewSource(1))), vuicc.WithModule(img.Applets[0].Module, bindapp.With(features)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFeaturesNotOffered: policy or values without their feature are 6A80 (§7), and with it they are taken.
func TestFeaturesNotOffered(t *testing.T) {
	for name, row := range map[string]struct {
		template string
		feature  byte
	}{
		"strict start": {"E006800101830102", bindapp.FeatureStrictStart},
		"EF_IPS":       {"E006800101830108", bindapp.FeatureEFIPS},
		"REFRESH 05":   {"E006800101850105", bindapp.FeatureRefreshReset},
		"REFRESH 06":   {"E006800101850106", bindapp.FeatureRefreshReset},
	} {
		for features, want := range map[byte]apdu.SW{0x1F &^ row.feature: apdu.SWWrongData, row.feature: apdu.SWOK} {
			c := offering(t, features)
			if sw := store(t, session(t, c, gp.LevelCMAC), row.template, 200); sw != want {
				t.Errorf("%s with features %02X: %s, want %s", name, features, sw, want)
			}
		}
	}
}

// TestWithoutIMEISVFallback: a card that does not offer it asks once.
func TestWithoutIMEISVFallback(t *testing.T) {
	c := offering(t, 0)
	if sw := store(t, session(t, c, gp.LevelCMAC), "E00C800102"+pattern(imeiA), 200); !sw.OK() {
		t.Fatal(sw)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	phone, err := cat.NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	report, err := cat.New(link(c), contacts{c}, cat.Config{Profile: phone, IMEISV: imeiA[:14] + "99", ADF: image.USIM()}).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range report.Rounds {
		if r.Command.Type == cat.ProvideLocalInformation {
			asked++
		}
	}
	if st := stateOf(t, c); asked != 1 || st.Decision != binding.DeniedNoIMEI {
		t.Errorf("%s after %d questions", st.Decision, asked)
	}
}

// TestRefreshOfAnApplication: qualifiers 05 and 06 carry the AID of the ADF.USIM (§8.6).
func TestRefreshOfAnApplication(t *testing.T) {
	c := offering(t, 0x1F)
	if sw := store(t, session(t, c, gp.LevelCMAC), "E00F800102"+pattern(imeiA)+"850106", 200); !sw.OK() {
		t.Fatal(sw)
	}
	if _, err := c.PowerOn(); err != nil {
		t.Fatal(err)
	}
	phone, err := cat.NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	report, err := cat.New(link(c), contacts{c}, cat.Config{Profile: phone, IMEI: imeiB, ADF: image.USIM()}).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	last := report.Rounds[len(report.Rounds)-1].Command
	if last.Type != cat.Refresh || last.Qualifier != 0x06 || string(last.AID()) != string(image.USIM()) {
		t.Errorf("%s of %X", last, last.AID())
	}
}

// TestSuspendIsRefused (TS 102 221 clause 11.1.22), and what was selected stays selected.
func TestSuspendIsRefused(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c, selUSIM, "62…", "8076000004 00010001", "6985", "00B0870009", "08…")
}
