package uicc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzFCP(f *testing.F) {
	v := loadFCP(f)
	for _, rows := range [][]fcpVector{v.UICC, v.NotFCP, v.SIM} {
		for _, r := range rows {
			f.Add(unhex(f, r.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseFCP(b)
		if err == nil && (p.Size < 0 || p.Total < 0 || p.SFI > 31 || len(p.Rules) > len(b) || len(p.PINs) > len(b)) {
			t.Errorf("%X: %+v", b, p)
		}
		_, _ = p.LifeCycle.String(), p.Structure.String()
	})
}

func FuzzSIMAnswer(f *testing.F) {
	for _, r := range loadFCP(f).SIM {
		f.Add(unhex(f, r.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseSIMAnswer(b)
		if err == nil && (a.Size < 0 || a.RecordSize*a.Records > a.Size) {
			t.Errorf("%X: %+v", b, a)
		}
	})
}

func FuzzATR(f *testing.F) {
	for _, r := range loadFCP(f).ATR {
		f.Add([]byte(r.ATR))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseATR(b)
		if err == nil && (len(a.Historical) > 15 || len(b) > maxATR || len(a.Interface) == 0) {
			t.Errorf("%X: %+v", b, a)
		}
	})
}

func FuzzDIR(f *testing.F) {
	for _, r := range loadDirArr(f).DIR {
		f.Add([]byte(r.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok, err := ParseDIR(b)
		if ok && (err != nil || len(a.AID) < minAID || len(a.AID) > maxAID) {
			t.Errorf("%X: %+v %v", b, a, err)
		}
	})
}

func FuzzARR(f *testing.F) {
	for _, r := range loadDirArr(f).ARR {
		f.Add([]byte(r.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rules, err := ParseARR(b)
		for _, r := range rules {
			if err == nil && r.Condition == "" {
				t.Errorf("%X: a rule without condition: %+v", b, r)
			}
		}
		again, _ := ParseARR(b)
		if diff := cmp.Diff(rules, again); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzICCID(f *testing.F) {
	for _, r := range loadICCID(f).Codec {
		f.Add([]byte(r.EF))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := DecodeICCID(b)
		if err != nil {
			return
		}
		if back := id.Encode(); string(back[:]) != string(b) {
			t.Errorf("%X: %s, coded again %X", b, id, back)
		}
	})
}
