package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// TestUnreadIsNotInOrder: a card whose EF_IMSI, or whose USIM, could not be read is not told to be in order.
func TestUnreadIsNotInOrder(t *testing.T) {
	for name, row := range map[string]struct {
		patient
		begins, finding string
	}{
		"EF_IMSI asks for ADM1": {begins: "UNKNOWN: EF_IMSI of the USIM could not be read", patient: patient{image: "no-applet", change: func(i *image.Image) {
			for _, path := range []string{"ADF1/6F07", linkedIMSI} {
				if f := i.File(path); f != nil {
					f.Rule = 5 // ADM1 alone
				}
			}
		}}},
		"EF_DIR names a USIM that is not there": {begins: "DENIED: the card has no USIM", finding: "EF_DIR names A0000000871002", patient: patient{image: "no-applet", change: func(i *image.Image) {
			dir := i.File("3F00/2F00")
			dir.Content = bytes.Replace(dir.Content, image.USIM(), append(image.USIM()[:15:15], 0x77), 1)
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, out, talk := admit(t, row.patient).call("doctor")
			if !strings.HasPrefix(out, row.begins) || !strings.Contains(out, row.finding) {
				t.Errorf("%s%s", out, talk)
			}
		})
	}
}

// TestOneCopyHidden: the applet hides EF_IMSI of the USIM and may not write the one of DF_GSM: the device was denied, and nothing is written wrongly.
func TestOneCopyHidden(t *testing.T) {
	_, out, talk := admit(t, patient{image: "usim-separate", e0: preset, live: starts(rightOne, wrongOne), change: func(i *image.Image) {
		for n := range i.PINs {
			i.PINs[n].Enabled = false
		}
		for n := range i.Applets[0].Access {
			if x := &i.Applets[0].Access[n]; len(x.ADF) == 0 {
				x.Domain = image.Hex{0x02, 0x01, 0x00, 0x04} // as PIN1: read, not written
			}
		}
	}}).call("doctor")
	if !strings.HasPrefix(out, "DENIED: the last device was denied") || strings.Contains(out, "imsi_implausible") || !strings.Contains(out, "imsi_copies_differ") {
		t.Errorf("%s%s", out, talk)
	}
}

// TestDeactivatedWithoutFCP: a card may answer SELECT of a deactivated file with 6283 alone.
func TestDeactivatedWithoutFCP(t *testing.T) {
	_, out, talk := admit(t, patient{image: "no-applet-t1", wrap: func(c *vuicc.Card) mock.Chip {
		return lying{c, []byte{0x00, 0xA4, 0x00, 0x04, 0x02, 0x6F, 0x07}, []byte{0x62, 0x83}}
	}}).call("doctor")
	if !strings.HasPrefix(out, "DENIED: EF_IMSI is deactivated") || !strings.Contains(out, "ADF.USIM/6F07: SELECT answers 6283") || strings.Contains(out, "imsi_implausible") {
		t.Errorf("%s%s", out, talk)
	}
}

// warns is a card that warns of the end of the file where all of it was asked for (Le 00), and gives what there is.
type warns struct{ *vuicc.Card }

func (w warns) Process(c []byte) ([]byte, error) {
	r, err := w.Card.Process(c)
	if n := len(r); len(c) == 5 && (c[1] == 0xB0 || c[1] == 0xB2) && c[4] == 0x00 && n > 2 && r[n-2] == 0x90 {
		r[n-2], r[n-1] = 0x62, 0x82
	}
	return r, err
}

// TestEndOfFile: 6282 behind all that a file holds is no refusal.
func TestEndOfFile(t *testing.T) {
	_, plain, _ := admit(t, patient{image: "no-applet-t1"}).call("doctor")
	_, out, talk := admit(t, patient{image: "no-applet-t1", wrap: func(c *vuicc.Card) mock.Chip { return warns{c} }}).call("doctor")
	if out != plain {
		t.Errorf("%s%s, want\n%s", out, talk, plain)
	}
}

// TestUnreadableDirectory: where EF_DIR is there and refuses to be read nobody knows what it names.
func TestUnreadableDirectory(t *testing.T) {
	for sw, unlisted := range map[string]bool{"6982": false, "6A82": true} {
		_, out, talk := admit(t, patient{image: "no-applet-t1", wrap: func(c *vuicc.Card) mock.Chip {
			return lying{c, []byte{0x00, 0xB2, 0x01, 0xF4}, unhex(t, sw)}
		}}).call("doctor")
		if strings.Contains(out, "usim_unlisted") != unlisted || !strings.Contains(out, "EF_DIR: READ RECORD EF_DIR: "+sw) {
			t.Errorf("%s: %s%s", sw, out, talk)
		}
	}
}

// TestGSMCopyAlone: an EF_IMSI of DF_GSM that is blank, wrong or deactivated keeps no device out that reads the one of the USIM.
func TestGSMCopyAlone(t *testing.T) {
	for id, change := range map[string]func(*image.File){
		"imsi_blank":       func(f *image.File) { f.Content = unhex(t, blankIMSI) },
		"imsi_implausible": func(f *image.File) { f.Content = unhex(t, "080010100000214365") },
		"imsi_deactivated": func(f *image.File) { f.State = 0x04 },
	} {
		for path, denied := range map[string]bool{linkedIMSI: false, "ADF1/6F07": true} {
			_, out, talk := admit(t, patient{image: "usim-separate", change: func(i *image.Image) {
				for n := range i.PINs {
					i.PINs[n].Enabled = false
				}
				change(i.File(path))
			}}).call("doctor")
			if !strings.Contains(out, "error "+id) || strings.HasPrefix(out, "DENIED") != denied {
				t.Errorf("%s of %s: %s%s", id, path, out, talk)
			}
		}
	}
}

// TestCompareUnread: what one card does not let be read is not told to be missing on it.
func TestCompareUnread(t *testing.T) {
	a := &cardFile{Facts: []fact{{Section: "files", Name: "EF_LOCI", Value: "updated"}, {Section: "files", Name: "services", Value: "33 always available"}}}
	b := &cardFile{
		Unread: []diagnose.Unread{{What: "EF_UST", Why: "PIN1"}, {What: "MF/7F20/6F07", Why: "PIN1"}},
		Facts:  []fact{{Section: "card", Name: "network name", Value: "x"}},
	}
	want := []difference{
		{Section: "files", Name: "EF_LOCI", A: "updated"}, {Section: "files", Name: "services", A: "33 always available", B: "not readable"},
		{Section: "card", Name: "network name", B: "x"},
	}
	if got := compareFiles(a, b).Differences; !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := compareFiles(b, a).Differences[1:]; got[0].A != "" || got[1].A != "not readable" {
		t.Errorf("%+v", got)
	}
}

// unmanaged is a card whose applet was installed without the AID of ADF.USIM, whose EF_IMSI is a file of its own.
func unmanaged(t *testing.T) func(*image.Image) {
	return func(i *image.Image) {
		for n := range i.PINs {
			i.PINs[n].Enabled = false
		}
		i.Applets[0].Application = unhex(t, preset)
	}
}

// TestUnmanagedUSIM: the applet hides the copy of DF_GSM, and a device that reads the USIM's works on.
func TestUnmanagedUSIM(t *testing.T) {
	_, out, talk := admit(t, patient{image: "usim-separate", change: unmanaged(t), live: starts(rightOne, wrongOne)}).call("doctor")
	if !strings.HasPrefix(out, "ALLOWED: the last device was denied") || !strings.Contains(out, "warning usim_unmanaged") {
		t.Errorf("%s%s", out, talk)
	}
	for _, linked := range []string{"usim-linked", "usim-only"} { // one file under both paths, or no DF_GSM and nothing to enforce
		_, out, talk := admit(t, patient{image: linked, change: unmanaged(t), live: starts(rightOne, wrongOne)}).call("doctor")
		if strings.Contains(out, "usim_unmanaged") != (linked == "usim-only") {
			t.Errorf("%s: %s%s", linked, out, talk)
		}
	}
}
