package main

import (
	"strings"
	"testing"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc"
)

// TestCardFilesWithoutUSIM: below the MF there are files all the same.
func TestCardFilesWithoutUSIM(t *testing.T) {
	code, out, talk := admit(t, patients(t)["no_usim"]).call("card", "--files")
	if code != exitDone || strings.Contains(out, "7FFF") || !strings.Contains(out, "EF_IMSI of DF_GSM") || strings.Contains(out, "service ") {
		t.Errorf("exit %d\n%s%s", code, out, talk)
	}
}

// TestCardFilesRefused: a file that may not be selected is told with the reason, and the look goes on.
func TestCardFilesRefused(t *testing.T) {
	w := admit(t, patient{wrap: func(c *vuicc.Card) mock.Chip {
		return lying{c, []byte{0x00, 0xA4, 0x08, 0x04, 0x04, 0x7F, 0xFF, 0x6F, 0x73}, []byte{0x69, 0x82}}
	}})
	before := w.chip.Counters()
	for _, form := range []string{"--json", "--quiet"} {
		code, out, talk := w.call("card", "--files", form)
		if code != exitDone || !strings.Contains(out, "6982") || !strings.Contains(out, "EF_EPSLOCI") {
			t.Errorf("exit %d\n%s%s", code, out, talk)
		}
		if form == "--json" {
			if err := validate("card", out); err != nil {
				t.Error(err)
			}
		}
	}
	if after := w.chip.Counters(); after.Updates != before.Updates || after.Verify != before.Verify {
		t.Errorf("the card was changed: %+v, before %+v", after, before)
	}
}
