package scenario_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/scenario"
)

const folder = "../../scenarios"

// options run the Go model, with the host's secure channel and the test key of every image.
var options = scenario.Options{Module: bindapp.New, Open: open}

func open(link apdu.Transmitter) (apdu.Transmitter, error) {
	keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
	return gp.Open(context.Background(), link, keys, gp.Options{Level: gp.LevelCMAC})
}

func scenarios(t testing.TB) []scenario.Scenario {
	t.Helper()
	all, err := scenario.Folder(folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestScenarios(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			if err := scenario.Run(s, options); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestUnderEveryCut: the power is lost before and after every persistent write of every scenario, and the next start repairs.
func TestUnderEveryCut(t *testing.T) {
	total := 0
	for _, s := range scenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			n, err := scenario.Cuts(s, options)
			if err != nil {
				t.Error(err)
			}
			total += n
		})
	}
	if total < 500 {
		t.Errorf("%d cuts", total)
	}
	t.Logf("%d cuts", total)
}

// TestEveryLineCounts: an expectation that is changed must fail, in every scenario.
func TestEveryLineCounts(t *testing.T) {
	for _, s := range scenarios(t) {
		for i, l := range s.Steps {
			var wrong []string
			switch l.Verb {
			case "usim", "gsm":
				wrong = []string{"001122334455667788"}
			case "asks":
				wrong = []string{"refresh", "06"}
			default:
				continue
			}
			changed := s
			changed.Steps = append([]scenario.Line{}, s.Steps...)
			changed.Steps[i].Words = wrong
			var at *scenario.Error
			if err := scenario.Run(changed, options); !errors.As(err, &at) || at.Line != l.Number {
				t.Errorf("%s:%d: %s holds as %q as well: %v", s.Name, l.Number, l, wrong, err)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                              "begins with a card",
		"card usim-only\n":                              "has a step",
		"on\n":                                          ":1: ",
		"card usim-only\ncard usim-only\non":            ":2: ",
		"card usim-only\nfly":                           `:2: not a scenario line: no verb "fly"`,
		"card usim-only\non now":                        ":2: not a scenario line: on: 1 words, want 0",
		"card usim-only\nimei 4901":                     `"4901" is no imei`,
		"card usim-only\nstore e003":                    `"e003" is no hex`,
		"card usim-only\nusim 00":                       `"00" is no imsi`,
		"card usim-only\ncut after 0\non":               `"0" is no number`,
		"card usim-only\ncut after 1\nasks nothing":     "a fault stands before a step",
		"card usim-only\ncut after 1\ntorn 1 1\non":     "announced already",
		"card usim-only\non\ncut after 1":               "nothing follows the fault",
		"card usim-only\non\ncontent ADF1/6F07 00":      "before the first step",
		"card usim-only\nstate 80":                      "TAG=VALUE",
		"card usim-only\nasks everything":               "one of: imei",
		"card usim-only\nfile 7F20/6F07 00":             "is no path",
		"card usim-only\nstore E0 is OK":                "store: 3 words, want 1",
		strings.Repeat("#", 1<<16+1):                    "longer than",
		"card usim-only" + strings.Repeat("\non", 1001): "more than",
	} {
		_, err := scenario.Parse("x.scenario", []byte(text))
		if !errors.Is(err, scenario.ErrSyntax) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.scenario:") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestRunErrors: what does not come true names its line.
func TestRunErrors(t *testing.T) {
	for text, want := range map[string]string{
		"card no-such\non":                                        ":1: no such card image",
		"card no-applet\non":                                      ":1: the image has no binding applet",
		"card usim-only\nwithout 3F00/7F20\non":                   ":2: no file",
		"card usim-only\nprofile":                                 ":2: profile: the card lost its power",
		"card usim-only\non\nimei 490154203237518":                ":3: imei 490154203237518: no proactive command",
		"card usim-only\ninstall E003800101\non\nprofile\nstatus": ":5: status: the card asked imei before this",
		"card usim-only\non\nasks imei":                           ":3: asks imei: the card asks nothing",
		"card usim-only\non\ncut after 9\nprofile":                ":4: profile: the step has 2 persistent writes",
		"card usim-only\non\nfail 9\nprofile":                     ":4: profile: the step has 2 persistent writes",
		"card usim-only\nstate 80=00":                             ":2: state 80=00: the card is off",
		"card usim-only\non\nstate 80=01":                         ":3: state 80=01: 80=00",
		"card usim-only\non\nstore E003800103":                    ":3: store E003800103: the card answers 6A80, want 9000",
	} {
		s, err := scenario.Parse("x.scenario", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := scenario.Run(s, options); err == nil || !strings.HasPrefix(err.Error(), "x.scenario"+want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: no text may panic, and what is read reads the same again.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob(filepath.Join(folder, "*"+scenario.Extension))
	if err != nil || len(names) == 0 {
		f.Fatal("no scenarios", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := scenario.Parse("x", b)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, l := range append(append([]scenario.Line{}, s.Header...), s.Steps...) {
			for _, fault := range l.Faults {
				again.WriteString(fault.String() + "\n")
			}
			again.WriteString(l.String() + "\n")
		}
		s2, err := scenario.Parse("x", []byte(again.String()))
		if err != nil || len(s2.Steps) != len(s.Steps) {
			t.Fatalf("%q reads differently again: %v", again.String(), err)
		}
	})
}
