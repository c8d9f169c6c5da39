package uicc

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseATR(t *testing.T) {
	for _, v := range loadFCP(t).ATR {
		t.Run(v.ID, func(t *testing.T) {
			got, err := ParseATR(v.ATR)
			if err != nil {
				t.Fatal(err)
			}
			var protocols []string
			for _, p := range got.Protocols {
				protocols = append(protocols, fmt.Sprintf("T=%d", p))
			}
			if diff := cmp.Diff(v.Protocols, protocols); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]byte(v.Historical), got.Historical); diff != "" {
				t.Error(diff)
			}
			if got.TCK != v.TCKValid {
				t.Errorf("TCK %v, want %v", got.TCK, v.TCKValid)
			}
			ta := func(level int) string {
				if level > len(got.Interface) || got.Interface[level-1][0] < 0 {
					return ""
				}
				return fmt.Sprintf("%02X", got.Interface[level-1][0])
			}
			if ta(1) != v.InterfaceBytes.TA1 || ta(3) != v.InterfaceBytes.TA3 {
				t.Errorf("TA1 %s TA3 %s, want %+v", ta(1), ta(3), v.InterfaceBytes)
			}
		})
	}
}

func TestATRForms(t *testing.T) {
	for name, row := range map[string]struct {
		hex       string
		protocols []int // nil: refused
	}{
		"shortest":                 {"3B00", []int{0}},
		"inverse convention":       {"3F00", []int{0}},
		"T=1, TCK missing":         {"3B8001", nil},
		"T=1 with its TCK":         {"3B800181", []int{1}},
		"T=0 and T=1":              {"3B80800101", []int{0, 1}},
		"T=0 and T=1, TCK missing": {"3B808001", nil},
		"wrong TCK":                {"3B80800102", nil},
		"one byte":                 {"3B", nil},
		"other head":               {"3C00", nil},
		"cut in interface bytes":   {"3BF011", nil},
		"cut in historical bytes":  {"3B0541", nil},
		"a byte too many":          {"3B0000", nil},
		"34 bytes":                 {"3B0F000000000000000000000000000000000000000000000000000000000000000000", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ParseATR(unhex(t, row.hex))
			if row.protocols == nil {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("accepted: %+v, %v", a, err)
				}
				return
			}
			if err != nil || !cmp.Equal(a.Protocols, row.protocols) || !a.Offers(row.protocols[0]) || a.Offers(14) {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

func TestATRClasses(t *testing.T) {
	for hex, want := range map[string]string{
		"3B9F96801F878031E073FE211B674A4C753034054BA9": "[A B C] true", // sysmoISIM-SJA2
		"3B9F95801F438031E073FE211B674A4C753034054BA9": "[A B] true",
		"3B00": "[] false",
		"3B9E968131FE458031E073FE211B6653494D424E449C": "[] false",
		"3B80801F40": "[] true",
	} {
		a, _ := ParseATR(unhex(t, hex)) // the check byte is not the matter here
		classes, told := a.Classes()
		if got := fmt.Sprint(classes, told); got != want {
			t.Errorf("%s: %s, want %s", hex, got, want)
		}
	}
}
