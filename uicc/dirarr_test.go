package uicc

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
)

type dirArrVectors struct {
	DIR []struct {
		ID            string
		Hex           vectors.Hex
		AID           vectors.Hex
		Label         string
		Discretionary vectors.Hex `json:"discretionary_template"`
		Expect        string
	} `json:"ef_dir"`
	ARR []struct {
		ID    string
		Hex   vectors.Hex
		Rules []struct {
			AccessMode  vectors.Hex `json:"access_mode"`
			Operations  []string
			Instruction vectors.Hex
			Condition   string
		}
	} `json:"ef_arr"`
}

func loadDirArr(t testing.TB) (v dirArrVectors) {
	t.Helper()
	vectors.Load(t, "ef_dir_arr.json", &v)
	if len(v.DIR) == 0 || len(v.ARR) == 0 {
		t.Fatal("a group of ef_dir_arr.json is empty")
	}
	return v
}

func TestParseDIR(t *testing.T) {
	for _, v := range loadDirArr(t).DIR {
		t.Run(v.ID, func(t *testing.T) {
			got, ok, err := ParseDIR(v.Hex)
			if err != nil || ok == (v.Expect == "none") {
				t.Fatalf("%+v %v %v", got, ok, err)
			}
			want := Application{AID: v.AID, Label: v.Label, Discretionary: v.Discretionary}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, bad := range map[string]string{
		"AID of four bytes": "61064F04A0000000", "no AID": "6104500141FF", "cut": "61184F10A000",
		"AID of seventeen": "61134F11A0000000871002FFFFFFFF890709000000",
	} {
		if a, ok, err := ParseDIR(unhex(t, bad)); !errors.Is(err, ErrMalformed) || ok {
			t.Errorf("%s: %+v %v %v", name, a, ok, err)
		}
	}
	a, _, err := ParseDIR(unhex(t, "610E4F05A0000000875005411B5B3242"))
	if err != nil || a.Label != "A[2B" {
		t.Errorf("control characters of a label: %q, %v", a.Label, err)
	}
}

func TestReadDIR(t *testing.T) {
	record := "61184F10A0000000871002FFF359FF89FFFFFFFF50045553494DFFFF"
	card := play(t,
		[2]string{"00B201F400", record + "9000"},
		[2]string{"00B202F400", "FFFFFFFF9000"},
		[2]string{"00B203F400", "61FF9000"}, // not a template: passed over
		[2]string{"00B204F400", "6A83"},
	)
	got, err := ReadDIR(t.Context(), card)
	if err != nil || len(got) != 1 || got[0].Label != "USIM" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := ReadDIR(t.Context(), play(t, [2]string{"00B201F400", "6982"})); !errors.Is(err, apdu.SWSecurityStatus) {
		t.Errorf("first record refused: %v", err)
	}
	if _, err := ReadDIR(t.Context(), play(t, [2]string{"00B201F400", record + "9000"}, [2]string{"00B202F400", ""})); !errors.Is(err, errLink) {
		t.Errorf("link lost: %v", err)
	}
}

func TestParseARR(t *testing.T) {
	for _, v := range loadDirArr(t).ARR {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseARR(v.Hex)
			if err != nil || len(got) != len(v.Rules) {
				t.Fatalf("%+v %v", got, err)
			}
			for i, want := range v.Rules {
				if got[i].Condition != want.Condition {
					t.Errorf("rule %d: condition %s, want %s", i, got[i].Condition, want.Condition)
				}
				if len(want.Instruction) == 1 && got[i].INS != want.Instruction[0] || len(want.AccessMode) == 1 && got[i].Mode != want.AccessMode[0] {
					t.Errorf("rule %d: %+v", i, got[i])
				}
				sorted := cmp.Equal(set(want.Operations), set(got[i].Operations()))
				if !sorted {
					t.Errorf("rule %d: %v, want %v", i, got[i].Operations(), want.Operations)
				}
			}
		})
	}
}

func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, n := range names {
		out[n] = true
	}
	return out
}

func TestARRForms(t *testing.T) {
	for name, row := range map[string]struct {
		hex, read, update string
	}{
		"OR of PIN and ADM":             {"800101A010A40683010195010" + "8A40683010A950108", "PIN1 or ADM1", Never},
		"AND of PIN and ADM":            {"800101AF10A406830101950108A40683010A950108", "PIN1 and ADM1", Never},
		"two conditions of one mode":    {"800103A406830101950108A40683010A950108", "PIN1 or ADM1", "PIN1 or ADM1"},
		"the universal PIN":             {"800101A406830111950108", "universal PIN", Never},
		"a byte for secure messaging":   {"8001019E01018001029000", NotUnderstood, Always},
		"one of two is not understood":  {"80010190009E0101", NotUnderstood, Never},
		"OR with an unknown":            {"800101A0059E01019000", NotUnderstood, Never},
		"nested":                        {"800101A004A0029000", NotUnderstood, Never},
		"empty OR":                      {"800101A000", NotUnderstood, Never},
		"a key that is not verified":    {"800101A40683010A950180", NotUnderstood, Never},
		"a mode in two bytes":           {"8002010190008001029000", NotUnderstood, Always},
		"the same mode twice":           {"80010190008001019700", "always or never", Never},
		"padded":                        {"8001019000FFFFFFFF", Always, Never},
		"a mode by two header bytes":    {"830220019000", NotUnderstood, NotUnderstood},
		"only another instruction":      {"8401D49000", Never, Never},
		"authentication without key":    {"800101A403950108", NotUnderstood, Never},
		"unknown condition tag, not ok": {"800101B4009000", NotUnderstood, Never},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := ParseARR(unhex(t, row.hex))
			if err != nil {
				t.Fatal(err)
			}
			if got := RuleFor(rules, ModeRead); got != row.read {
				t.Errorf("read: %s, want %s", got, row.read)
			}
			if got := RuleFor(rules, ModeUpdate); got != row.update {
				t.Errorf("update: %s, want %s", got, row.update)
			}
		})
	}
	for name, bad := range map[string]string{"mode without condition": "800101", "condition without mode": "9000", "two modes": "8001018001029000", "cut": "800101A406"} {
		if rules, err := ParseARR(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, rules, err)
		}
	}
}

// TestExpandedRules: the access rules that some real cards put into the FCP itself.
func TestExpandedRules(t *testing.T) {
	want := map[string]map[byte]string{
		"FCP-13": {ModeRead: "PIN1", ModeUpdate: "ADM1", ModeActivate: "PIN1", ModeDeactivate: "ADM1", ModeWrite: Never, ModeDelete: "ADM1"},
		"FCP-15": {ModeRead: Always, ModeUpdate: Never, ModeActivate: Never, ModeDelete: Never},
	}
	for _, v := range loadFCP(t).UICC {
		conditions, ok := want[v.ID]
		if !ok {
			continue
		}
		delete(want, v.ID)
		f, err := ParseFCP(unhex(t, v.Hex))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := ParseARR(f.Expanded)
		if err != nil {
			t.Fatal(err)
		}
		for mode, condition := range conditions {
			if got := RuleFor(rules, mode); got != condition {
				t.Errorf("%s: mode %02X: %s, want %s", v.ID, mode, got, condition)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("vectors missing: %v", want)
	}
}
