package binding

import (
	"strings"
	"testing"
)

// TestDecideOpen: what can be told without keys, and what cannot.
func TestDecideOpen(t *testing.T) {
	imei := mustIMEI(t, "49015420323751")
	tacOnly := IMEIView{0x49, 0x01, 0x54, 0x20, 0xFF, 0xFF, 0xFF}
	other := IMEIView{0x35, 0x20, 0x99, 0x00, 0xFF, 0xFF, 0xFF}
	for name, row := range map[string]struct {
		state  State
		imei   *IMEI
		want   Decision
		known  bool
		reason string
	}{
		"unconfigured":            {State{Status: Unconfigured}, &imei, AllowedOff, true, "never configured"},
		"off":                     {State{Status: SwitchedOff}, nil, AllowedOff, true, "scheme is off"},
		"armed":                   {State{Status: Armed}, &imei, 0, false, "first terminal"},
		"preset":                  {State{Status: PresetActive}, &imei, 0, false, "keys alone"},
		"bound, whole":            {State{Status: Bound, Bound: []IMEIView{IMEIView(imei)}}, &imei, Allowed, true, "is bound"},
		"bound, the second":       {State{Status: Bound, Bound: []IMEIView{other, IMEIView(imei)}}, &imei, Allowed, true, "is bound"},
		"bound, the same model":   {State{Status: Bound, Bound: []IMEIView{tacOnly}}, &imei, 0, false, "same model"},
		"bound, another model":    {State{Status: Bound, Bound: []IMEIView{other}}, &imei, DeniedOther, true, "another terminal"},
		"no IMEI":                 {State{Status: PresetActive}, nil, DeniedNoIMEI, true, "denies"},
		"no IMEI, allowed":        {State{Status: Armed, Policy: AllowNoIMEI}, nil, AllowedNoIMEI, true, "allows"},
		"all zeros count as none": {State{Status: Bound, Bound: []IMEIView{other}}, &IMEI{}, DeniedNoIMEI, true, "denies"},
		"a state not known":       {State{Status: 0x77}, &imei, 0, false, "does not know"},
	} {
		v, known := row.state.DecideOpen(row.imei)
		if v.Decision != row.want || known != row.known || !strings.Contains(v.Reason, row.reason) || !v.Enforced {
			t.Errorf("%s: %+v, %v", name, v, known)
		}
	}
	v, known := State{Status: PresetActive, Policy: ObserveOnly}.DecideOpen(&imei)
	if known || v.Enforced || !v.Allowed() {
		t.Errorf("observed only: %+v, %v", v, known)
	}
}
