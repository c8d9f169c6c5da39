package uicc

import (
	"context"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
)

// The EF_ARR of these tests: its FCP says linear fixed, 2 records of 25 bytes.
const (
	arrFCP    = "621082054221001902" + "83022F06" + "8A01058800" + "9000"
	arrRecord = "80010190008001029700800118A40683010A950108FFFFFFFF9000"
)

func referring(fid FID, record byte) FCP {
	return FCP{Rules: []ARRReference{{FID: fid, Record: record}}}
}

// TestRules: where a rule stands, that its record is read once, and that what cannot be read is "not understood".
func TestRules(t *testing.T) {
	usim := Path{CurrentADF, 0x6F07}
	for name, row := range map[string]struct {
		fcps   []FCP
		path   Path
		script [][2]string
		read   string
		update string
	}{
		"beside the file": {[]FCP{referring(0x6F06, 1)}, usim, [][2]string{{"00A40804047FFF6F0600", arrFCP}, {"00B2010419", arrRecord}}, Always, Never},
		"of the MF":       {[]FCP{referring(0x2F06, 2)}, usim, [][2]string{{"00A40804022F0600", arrFCP}, {"00B2020419", arrRecord}}, Always, Never},
		"read once":       {[]FCP{referring(0x2F06, 1), referring(0x2F06, 1)}, usim, [][2]string{{"00A40804022F0600", arrFCP}, {"00B2010419", arrRecord}}, Always, Never},
		"one directory higher": {[]FCP{referring(0x6F06, 1)}, Path{CurrentADF, DF5GS, 0x4F01},
			[][2]string{{"00A40804067FFF5FC06F0600", "6A82"}, {"00A40804047FFF6F0600", arrFCP}, {"00B2010419", arrRecord}}, Always, Never},
		"nowhere":          {[]FCP{referring(0x6F06, 1)}, usim, [][2]string{{"00A40804047FFF6F0600", "6A82"}}, NotUnderstood, NotUnderstood},
		"record refused":   {[]FCP{referring(0x2F06, 9)}, usim, [][2]string{{"00A40804022F0600", arrFCP}, {"00B2090419", "6A83"}}, NotUnderstood, NotUnderstood},
		"record of FF":     {[]FCP{referring(0x2F06, 1)}, usim, [][2]string{{"00A40804022F0600", arrFCP}, {"00B2010419", "FFFF9000"}}, NotUnderstood, NotUnderstood},
		"expanded":         {[]FCP{{Expanded: []byte{0x80, 0x01, 0x01, 0x90, 0x00}}}, usim, nil, Always, Never},
		"expanded, broken": {[]FCP{{Expanded: []byte{0x80, 0x05, 0x01}}}, usim, nil, NotUnderstood, NotUnderstood},
		"no rule":          {[]FCP{{}}, usim, nil, NotUnderstood, NotUnderstood},
		"no path":          {[]FCP{referring(0x2F06, 1)}, nil, nil, NotUnderstood, NotUnderstood},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRuleReader(play(t, row.script...))
			for _, fcp := range row.fcps {
				rules, err := r.Rules(context.Background(), fcp, row.path)
				if err != nil {
					t.Fatal(err)
				}
				if read, update := RuleFor(rules, ModeRead), RuleFor(rules, ModeUpdate); read != row.read || update != row.update {
					t.Errorf("read %s, update %s", read, update)
				}
			}
		})
	}
}

func TestRulesLinkFails(t *testing.T) {
	_, err := NewRuleReader(play(t, [2]string{"00A40804022F0600", ""})).Rules(context.Background(), referring(0x2F06, 1), Path{MF, 0x2FE2})
	if !errors.As(err, new(*apdu.LinkError)) {
		t.Errorf("%v", err)
	}
}
