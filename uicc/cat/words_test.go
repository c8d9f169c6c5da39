package cat

import (
	"context"
	"errors"
	"testing"

	"github.com/simbind/simbind/apdu"
)

func TestWords(t *testing.T) {
	for _, row := range []struct{ got, want string }{
		{Result(0x00).String(), "performed"}, {Result(0x20).String(), "terminal busy"}, {Result(0x99).String(), "result 99"},
		{ProactiveCommand{Type: Refresh, Qualifier: 4}.Words(), "REFRESH (UICC reset)"},
		{ProactiveCommand{Type: ProvideLocalInformation, Qualifier: 8}.Words(), "PROVIDE LOCAL INFORMATION (IMEISV)"},
		{ProactiveCommand{Type: PollInterval}.Words(), "POLL INTERVAL"},
		{ProactiveCommand{Type: 0x21, Qualifier: 0x81}.Words(), "DISPLAY TEXT 81"},
		{ObjectName(0x14), "IMEI"}, {ObjectName(0x7E), "unknown object"},
		{ObjectName(0x52), "PDP context activation parameters"}, {ObjectName(0x73), "routing area identification"},
		{ObjectName(0x74), "update, attach or registration type"}, {ObjectName(0x7D), "tracking area identification"},
		{ObjectWords(tagResult, []byte{0x32}), "data not understood"},
		{ObjectWords(tagCommandDetails, []byte{2, 0x26, 1}), "number 2, PROVIDE LOCAL INFORMATION (IMEI)"},
		{ObjectWords(tagDevices, []byte{0x81, 0x99}), "UICC to device 99"},
		{ObjectWords(tagDuration, []byte{1, 30}), "30s"}, {ObjectWords(tagDuration, []byte{9, 30}), ""},
		{ObjectWords(tagTimerValue, []byte{0x10, 0x20, 0x30}), "1h2m3s"}, {ObjectWords(tagTimer, []byte{3}), "timer 3"},
		{ObjectWords(tagEventList, []byte{3, 0x77}), "location status, event 77"},
		{ObjectWords(tagFileList, []byte{1, 0x3F, 0x00, 0x2F, 0xE2}), "3F00/2FE2"}, {ObjectWords(tagFileList, []byte{1, 2}), ""},
		{ObjectWords(0x1B, []byte{1}), "limited service"}, {ObjectWords(0x3F, []byte{8}), "E-UTRAN"}, {ObjectWords(tagItem, []byte{7}), "item 7"},
		{ObjectWords(tagIMEI, []byte{0x4A, 0x09, 0x51, 0x24, 0x30, 0x32, 0x57, 0x81}), ""}, {ObjectWords(0x0D, []byte("code")), ""},
	} {
		if row.got != row.want {
			t.Errorf("%q, want %q", row.got, row.want)
		}
	}
	for tag := range objectNames { // nothing a card sends may make a reader of it fail
		for n := range 5 {
			ObjectWords(tag, make([]byte, n))
		}
	}
	for _, where := range []uint16{0x13, 0x73, 0x77, 0x78, 0x7D} {
		if !PersonalObject(where) {
			t.Errorf("%02X tells where somebody is", where)
		}
	}
	if n, ok := TemplateName(0xD7); !ok || n != "timer expiration" {
		t.Error(n, ok)
	}
}

// TestKinds: names differ, and each kind does what its row says.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds {
		c := k.Config()
		if seen[k.Name] || k.Words == "" || c.IMEI != "" {
			t.Errorf("%+v", k)
		}
		seen[k.Name] = true
		if got, err := NamedKind(k.Name); err != nil || got.Words != k.Words {
			t.Errorf("%s: %v", k.Name, err)
		}
		if c.Asks() != (k.Name != "no-toolkit" && k.Name != "no-fetch") {
			t.Errorf("%s can be asked: %v", k.Name, c.Asks())
		}
	}
	if k, err := NamedKind("FFFF"); err != nil || len(k.Profile) != 2 {
		t.Error(k, err)
	}
	if _, err := NamedKind("fridge"); err == nil {
		t.Error("an unknown kind was accepted")
	}
}

// TestLateTerminal: so many polls pass between the announcement of a command and its FETCH, and the answer is right all the same. A card that
// announces one after the other comes to an end.
func TestLateTerminal(t *testing.T) {
	const asked = "D009810301260182028182"
	polls, before := 0, -1
	once := onProfile(t, asked)
	c := &card{more: func(cmd apdu.Command) [][]byte {
		if cmd.INS == apdu.INSStatus {
			polls++
		}
		return once(cmd)
	}}
	fetching := apdu.TransmitterFunc(func(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
		if cmd.INS == apdu.INSFetch {
			before = polls
		}
		return c.Transmit(ctx, cmd)
	})
	cfg := phone(t, "490154203237518")
	cfg.Late = 10
	report, err := New(fetching, c, cfg).Boot(context.Background())
	if err != nil || before != 10 || report.Polls != 10+DefaultPolls || len(report.Rounds) != 1 || report.Rounds[0].Answer.Result != Performed {
		t.Errorf("%d polls before FETCH, %+v, %v", before, report, err)
	}
	always := &card{more: func(apdu.Command) [][]byte { return [][]byte{raw(t, asked)} }}
	if _, err := New(always, always, cfg).Boot(context.Background()); !errors.As(err, new(*LoopError)) {
		t.Errorf("a card that asks for ever: %v", err)
	}
}
