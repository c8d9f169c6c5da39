package vuicc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
)

// deniedTwice is a life whose card stands denied: terminal A is preset, B was there.
func deniedTwice(t *testing.T) *world {
	t.Helper()
	w := begin(t, life{name: "denied", image: "usim-separate", e0: "E00C800102" + pattern(imeiA), denial: denialNone})
	w.happen(start(imeiB))
	w.soil()
	return w
}

func (w *world) shows(t *testing.T, when, want string) {
	t.Helper()
	for _, path := range []string{"ADF1/6F07", "3F00/7F20/6F07"} {
		if got := fmt.Sprintf("%X", w.file(path)); got != want {
			t.Errorf("%s: %s is %s, want %s", when, path, got, want)
		}
	}
}

// TestActionsOnADeniedCard: restore gives the IMSI in every copy until the next start (I10); back up does not take the denial value; off
// and a new configuration restore; clear leaves EF_IMSI alone.
func TestActionsOnADeniedCard(t *testing.T) {
	for name, row := range map[string]struct {
		template string
		want     apdu.SW
		shows    string
		files    binding.Files
		raises   int // of the generation
	}{
		"back up":                     {"E203800101", apdu.SWOK, denialNone, binding.FilesDenial, 0},
		"restore":                     {"E203800102", apdu.SWOK, oldIMSI, binding.FilesBackup, 0},
		"unbind outside first-insert": {"E203800103", apdu.SWConditions, denialNone, binding.FilesDenial, 0},
		"bind outside first-insert":   {"E20C800104" + pattern(imeiB), apdu.SWConditions, denialNone, binding.FilesDenial, 0},
		"bind without IMEI":           {"E203800104", apdu.SWWrongData, denialNone, binding.FilesDenial, 0},
		"clear":                       {"E203800105", apdu.SWOK, denialNone, binding.FilesDenial, 0},
		"previous, none there":        {"E203800106", apdu.SWConditions, denialNone, binding.FilesDenial, 0},
		"unknown action":              {"E203800107", apdu.SWWrongData, denialNone, binding.FilesDenial, 0},
		"off":                         {"E003800100", apdu.SWOK, oldIMSI, binding.FilesBackup, 1},
		"preset B":                    {"E00C800102" + pattern(imeiB), apdu.SWOK, oldIMSI, binding.FilesBackup, 1},
		"the same again":              {"E00C800102" + pattern(imeiA), apdu.SWOK, denialNone, binding.FilesDenial, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := deniedTwice(t)
			if _, err := w.card.PowerOn(); err != nil { // a desk: no terminal runs
				t.Fatal(err)
			}
			s := session(t, w.card, gp.LevelCMAC)
			if sw := store(t, s, row.template, 200); sw != row.want {
				t.Fatalf("%s, want %s", sw.String(), row.want.String())
			}
			w.shows(t, name, row.shows)
			st := stateOf(t, w.card)
			if st.Files != row.files || st.Generation != 1+uint16(row.raises) {
				t.Errorf("EF_IMSI %s, generation %d", st.Files, st.Generation)
			}
			w.holds(name, oldIMSI)
			if name == "clear" && (st.Counters != (binding.Counters{}) || st.LastAnswer != nil) {
				t.Errorf("counters %+v", st.Counters)
			}
		})
	}
}

// TestChangesWhileATerminalRuns: EF_IMSI changes under a terminal that was denied; REFRESH is due at once, and a new configuration that
// still decides gives the new denial value instead of the IMSI.
func TestChangesWhileATerminalRuns(t *testing.T) {
	for name, row := range map[string]struct{ template, shows string }{
		"off":              {"E003800100", oldIMSI},
		"restore":          {"E203800102", oldIMSI},
		"new denial value": {"E017800102" + pattern(imeiA) + "8409" + denialIMSI, denialIMSI},
	} {
		t.Run(name, func(t *testing.T) {
			w := deniedTwice(t)
			w.happen(start(imeiB)) // and the terminal goes on running
			s := session(t, w.card, gp.LevelCMAC)
			if sw := store(t, s, row.template, 200); !sw.OK() {
				t.Fatal(sw)
			}
			w.shows(t, name, row.shows)
			talk(t, w.card, "00A4040010"+usim, "61…") // STATUS of TS 102 221 belongs to the USIM, not to the applet that is selected
			got := say(t, w.card, "80F2000C")
			if !strings.HasPrefix(got, "91") {
				t.Fatalf("STATUS answers %s: no REFRESH is due", got)
			}
			if command := say(t, w.card, "80120000"+got[2:]); !strings.HasPrefix(command, "D00981030101") {
				t.Errorf("the card asks %s", command)
			}
		})
	}
}

// TestCutsInAChange: every write of a reconfiguration and of an action on a denied card is cut; the IMSI is never lost and the next start of
// terminal A ends allowed, whichever configuration holds.
func TestCutsInAChange(t *testing.T) {
	for name, template := range map[string]string{
		"off": "E003800100", "wider": "E015800102" + pattern(imeiA) + pattern(imeiB), "other denial value": "E017800102" + pattern(imeiA) + "8409" + denialIMSI,
		"restore": "E203800102", "clear": "E203800105",
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				finished := false
				for _, after := range []bool{false, true} {
					finished = cutChange(t, template, n, after)
				}
				if finished {
					if n < 2 {
						t.Error("nothing was written")
					}
					return
				}
			}
		})
	}
}

// cutChange sends a template with the nth write cut; finished tells that the change has fewer writes.
func cutChange(t *testing.T, template string, n int, after bool) (finished bool) {
	t.Helper()
	w := deniedTwice(t)
	if _, err := w.card.PowerOn(); err != nil {
		t.Fatal(err)
	}
	s := session(t, w.card, gp.LevelCMAC)
	w.card.NVM().CutAt(n, after)
	raw := hexBytes(template)
	_, err := s.Transmit(context.Background(), binding.StoreData(raw, 200)[0])
	finished = err == nil
	if err != nil && !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.card.NVM().CutAt(0, false)
	when := fmt.Sprintf("cut at write %d, after %v", n, after)
	w.holds(when, oldIMSI)
	if w.happen(start(imeiA)) {
		t.Fatal("cut twice")
	}
	w.shows(t, when+", terminal A", oldIMSI)
	w.holds(when+", terminal A", oldIMSI)
	if d := stateOf(t, w.card).Decision; !d.Allows() {
		t.Errorf("%s: terminal A: %s", when, d)
	}
	return finished
}

// TestLogAndCounters: eight entries at most, newest first, one for every change of decision or terminal.
func TestLogAndCounters(t *testing.T) {
	w := begin(t, life{image: "usim-separate", e0: "E00C800102" + pattern(imeiA), denial: denialNone})
	for range 6 {
		w.happen(start(imeiA))
		w.happen(start(imeiA))
		w.happen(start(imeiB))
	}
	entries, err := binding.ParseLog(object(t, session(t, w.card, gp.LevelCMAC), 0xE4))
	if err != nil || len(entries) != 8 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if entries[0].Decision != binding.DeniedOther || entries[0].Start != 18 || entries[1].Decision != binding.Allowed || entries[1].Start != 16 {
		t.Errorf("%+v", entries[:2])
	}
	if c := stateOf(t, w.card).Counters; c != (binding.Counters{Profiles: 18, Allowed: 12, Denied: 6}) {
		t.Errorf("%+v", c)
	}
}

// TestBindingBeside: 86 leaves room for a second terminal, which action 04 binds; turning up does not.
func TestBindingBeside(t *testing.T) {
	w := begin(t, life{image: "usim-separate", e0: "E006800101860102", denial: denialNone})
	w.happen(start(imeiA))
	w.happen(start(imeiB))
	if d := stateOf(t, w.card).Decision; d != binding.DeniedOther {
		t.Errorf("terminal B turned up: %s", d)
	}
	s := session(t, w.card, gp.LevelCMAC)
	if sw := store(t, s, "E20C800104"+pattern(imeiB), 200); !sw.OK() {
		t.Fatal(sw)
	}
	for _, imei := range []string{imeiB, imeiA} {
		w.happen(start(imei))
		if d := stateOf(t, w.card).Decision; d != binding.Allowed {
			t.Errorf("terminal %s: %s", imei[:8], d)
		}
	}
	if got := len(stateOf(t, w.card).Bound); got != 2 {
		t.Errorf("%d terminals are bound", got)
	}
}

// TestQuestionUnderAChange: the generation changes while the terminal thinks; its answer is dropped and asked once more (§8.4).
func TestQuestionUnderAChange(t *testing.T) {
	w := begin(t, life{image: "usim-linked", e0: "E00C800102" + pattern(imeiA), denial: denialNone})
	if _, err := w.card.PowerOn(); err != nil {
		t.Fatal(err)
	}
	talk(t, w.card, profile, "910B", "801200000B", "D009810301260182028182"+"9000")
	s := session(t, w.card, gp.LevelCMAC)
	if sw := store(t, s, "E00C800102"+pattern(imeiB), 200); !sw.OK() {
		t.Fatal(sw)
	}
	talk(t, w.card,
		"8014000016 810301260182028281830100 94084A09512430325781", "910B", // dropped
		"801200000B", "D009810301260182028182"+"9000",
		"8014000016 810301260182028281830100 94084A09512430325781", "910B", // now it counts: REFRESH follows
		"801200000B", "D00981030101…")
	if d := stateOf(t, w.card).Decision; d != binding.DeniedOther {
		t.Errorf("decision %s", d)
	}
}
