package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/vuicc/image"
)

// written is a scenario file of a test.
func (w *ward) written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(w.state, "x.scenario")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestScenarioFileWithoutEnd: a file that never ends is refused, and one that never begins is given up when somebody interrupts.
func TestScenarioFileWithoutEnd(t *testing.T) {
	w := admit(t, patient{})
	if code, _, talk := w.call("terminal", "run", "/dev/zero"); code != exitUsage || !strings.Contains(talk, "longer than") {
		t.Errorf("exit %d\n%s", code, talk)
	}
	pipe := filepath.Join(w.state, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, talk := w.callUnder(ctx, "terminal", "run", pipe); code != exitInterrupted {
		t.Errorf("exit %d\n%s", code, talk)
	}
}

// TestScenarioOfAbsurdValues: objects of any size are compared or sent, and not relied upon.
func TestScenarioOfAbsurdValues(t *testing.T) {
	long := strings.Repeat("AB", 3000)
	for _, line := range []string{
		"log E403800100", "log E4", "log E4028000", "log " + long, "state 85=00 86=00 93=00 82=" + long, "state 83=00,11 88=00",
		"store E0", "store " + long, "store E0038A0100", "block 90 00 " + long[:300], "block 10 07 00 is 6985", "answer 00 " + long,
		"configuration E0038A0100", "information 84=00 85=" + long, "file 3F00/3F00/3F00/7FFF/7FFF 00", "file ADF1/ADF1 00", "asks refresh 00 " + long,
	} {
		w := admit(t, patient{e0: "E003800101"})
		path := w.written(t, "card usim-linked\ninstall E003800101\non\nprofile\nasks imei\nimei 490154203237518\n"+line+"\n")
		code, _, talk := w.call(append([]string{"terminal", "run", path, "--use-up-first-insert"}, w.means(t)...)...)
		if line == "file ADF1/ADF1 00" && code == exitUsage {
			continue // no path of the language
		}
		if code != exitDoubt && code != exitRefused && code != exitDone || strings.Contains(talk, "not put back") {
			t.Errorf("%.40s: exit %d\n%.400s", line, code, talk)
		}
	}
}

// TestScenarioWritesNoIssuersFile: EF_IMSI by another path, and EF_ICCID, are refused before the first line.
func TestScenarioWritesNoIssuersFile(t *testing.T) {
	for _, line := range []string{
		"network 3F00/2FE2 98881112000000430021", "network 3F00/7FFF/6F07 082926101160845740",
	} {
		w := admit(t, patient{e0: "E003800101"})
		before := w.whatStands(t)
		path := w.written(t, "card usim-linked\ninstall E003800101\nstart 490154203237518\n"+line+"\n")
		code, out, talk := w.call(append([]string{"terminal", "run", path, "--use-up-first-insert"}, w.means(t)...)...)
		if code != exitRefused || !strings.Contains(talk, "x.scenario:4: network") || out != "" {
			t.Errorf("%s: exit %d\n%s%s", line, code, out, talk)
		}
		for name, v := range w.whatStands(t) {
			if before[name] != v {
				t.Errorf("%s: %s is %s, was %s", line, name, v, before[name])
			}
		}
	}
}

// location is a file of 300 bytes that the network writes.
func locationOf(img *image.Image) {
	f := img.File("ADF1/6F7E")
	f.Content = bytes.Repeat([]byte{0x5A}, 300)
}

const writesLocation = "card usim-separate\ninstall E003800101\nstart 490154203237518\nnetwork ADF1/6F7E 112233440011001234FF00\n"

// TestScenarioWritesALongFile: it is put back whole.
func TestScenarioWritesALongFile(t *testing.T) {
	w := admit(t, patient{image: "usim-separate", e0: "E003800101", change: locationOf})
	code, out, talk := w.call(append([]string{"terminal", "run", w.written(t, writesLocation), "--use-up-first-insert"}, w.means(t)...)...)
	if code != exitDone {
		t.Errorf("exit %d\n%s%s", code, out, talk)
	}
	for _, f := range w.chip.Files() {
		if f.Path == "ADF1/6F7E" && !bytes.Equal(f.Content, bytes.Repeat([]byte{0x5A}, 300)) {
			t.Errorf("it holds %X", f.Content)
		}
	}
}

// TestScenarioLostFile: a file that could not be put back is named, and nothing promises that 'terminal put-back' would do it.
func TestScenarioLostFile(t *testing.T) {
	named := 0
	for at := 100; ; at += 7 {
		w := admit(t, patient{image: "usim-separate", e0: "E003800101"})
		w.reader.SetFaults(mock.Faults{RemoveAt: at})
		code, out, talk := w.call(append([]string{"terminal", "run", w.written(t, writesLocation), "--use-up-first-insert"}, w.means(t)...)...)
		if code == exitDone {
			break
		}
		if strings.Contains(out+talk, "not put back: file ADF1/6F7E") {
			named++
			if !strings.Contains(out+talk, "a device writes a location file anew") {
				t.Errorf("pulled at %d:\n%s%s", at, out, talk)
			}
		}
	}
	if named < 5 {
		t.Errorf("named %d times", named)
	}
}

// wary is a card that refuses one EXTERNAL AUTHENTICATE.
type wary struct {
	mock.Chip
	refuses, asked int
}

func (x *wary) Process(command []byte) ([]byte, error) {
	if len(command) > 1 && command[1] == 0x82 {
		if x.asked++; x.asked == x.refuses {
			return []byte{0x63, 0x00}, nil
		}
	}
	return x.Chip.Process(command)
}

// TestScenarioKeysRefused: keys that a card refused within a scenario are not offered again by themselves, to put it back; 'terminal put-back' does.
func TestScenarioKeysRefused(t *testing.T) {
	s := story(t, "re-personalization.scenario")
	for refuses := 4; refuses < 7; refuses++ {
		w, _ := scenarioCard(t, s, "", true)
		before := w.whatStands(t)
		chip := &wary{Chip: w.chip, refuses: refuses}
		w.reader.Insert(chip)
		code, out, talk := w.playScenario(s, w.means(t)...)
		if code != exitDoubt || chip.asked != refuses || !strings.Contains(talk, "not put back: ") || !strings.Contains(talk, "'simbind terminal put-back'") {
			t.Errorf("exit %d, %d authentications, the %dth refused\n%s%s", code, chip.asked, refuses, out, talk)
		}
		if code, out, talk = w.call(w.putBackArgs(t)...); code != exitDone {
			t.Errorf("put back: exit %d\n%s%s", code, out, talk)
		}
		for name, v := range w.whatStands(t) {
			if before[name] != v {
				t.Errorf("%s is %s, was %s", name, v, before[name])
			}
		}
	}
}

// TestPutBackWithoutItsBackup: what helps is said.
func TestPutBackWithoutItsBackup(t *testing.T) {
	s := story(t, "renewal-denied.scenario")
	w, _ := scenarioCard(t, s, "", true)
	w.reader.SetFaults(mock.Faults{RemoveAt: 150})
	if code, _, talk := w.playScenario(s, w.means(t)...); code != exitNoCard && code != exitDoubt {
		t.Fatalf("exit %d\n%s", code, talk)
	}
	w.back()
	if err := os.RemoveAll(filepath.Join(w.state, "backups")); err != nil {
		t.Fatal(err)
	}
	if code, _, talk := w.call(w.putBackArgs(t)...); code != exitRefused || !strings.Contains(talk, "--release") {
		t.Errorf("exit %d\n%s", code, talk)
	}
}
