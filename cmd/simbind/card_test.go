package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

var readable = regexp.MustCompile(`EF_IMSI of DF_GSM +3F00/7F20/6F07 +transparent, 9 bytes +activated`)

// TestCardFilesWithoutUSIM: below the MF there are files all the same.
func TestCardFilesWithoutUSIM(t *testing.T) {
	withApplet := patient{change: func(i *image.Image) {
		blankDIR(i)
		i.Files = slices.DeleteFunc(i.Files, func(f image.File) bool { return strings.HasPrefix(f.Path, "ADF1") })
		i.Applets[0].Application = nil // it names no ADF, and has no rights in one
		i.Applets[0].Access = i.Applets[0].Access[:1]
	}}
	for name, p := range map[string]patient{"without applet": patients(t)["no_usim"], "with applet": withApplet} {
		code, out, talk := admit(t, p).call("card", "--files")
		if code != exitDone || strings.Contains(out, "7FFF") || !readable.MatchString(out) || !strings.Contains(out, "not asked") || strings.Contains(out, "service ") {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, talk)
		}
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
