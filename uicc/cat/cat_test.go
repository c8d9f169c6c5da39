package cat

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/internal/vectors"
)

type toolkit struct {
	Commands []struct {
		ID, Name        string
		Hex             vectors.Hex
		Number          byte `json:"command_number"`
		Type, Qualifier vectors.Hex
		Source          vectors.Hex `json:"source_device"`
		Destination     vectors.Hex `json:"destination_device"`
	} `json:"proactive_commands"`
	Responses []struct {
		ID     string
		Body   vectors.Hex
		APDU   vectors.Hex
		Result vectors.Hex `json:"general_result"`
		IMEI   string
	} `json:"terminal_responses"`
	Profiles []struct {
		ID      string
		Hex     vectors.Hex
		Refresh bool
		IMEI    bool `json:"provide_local_information_imei"`
		IMEISV  bool `json:"provide_local_information_imeisv"`
	} `json:"terminal_profile"`
	Envelopes []struct {
		ID   string
		APDU vectors.Hex
	}
	Flow []struct {
		Steps []struct{ Command, Response, SW vectors.Hex }
	}
}

func load(t testing.TB) toolkit {
	t.Helper()
	var v toolkit
	vectors.Load(t, "toolkit.json", &v)
	return v
}

func TestProactiveCommands(t *testing.T) {
	rows := load(t).Commands
	if len(rows) < 9 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		p, err := ParseProactive(row.Hex)
		if err != nil {
			t.Errorf("%s %s: %v", row.ID, row.Name, err)
			continue
		}
		if p.Number != row.Number || byte(p.Type) != row.Type[0] || p.Qualifier != row.Qualifier[0] || p.Source != row.Source[0] || p.Destination != row.Destination[0] {
			t.Errorf("%s %s: %+v", row.ID, row.Name, p)
		}
		if strings.HasPrefix(p.Type.String(), "command type") {
			t.Errorf("%s: type %02X has no name", row.ID, byte(p.Type))
		}
	}
}

func raw(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestViewsOfACommand(t *testing.T) {
	parse := func(s string) ProactiveCommand {
		p, err := ParseProactive(raw(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if diff := cmp.Diff([][]uint16{{0x3F00, 0x7FFF, 0x6F07}}, parse("D012 8103010102 82028182 9207013F007FFF6F07").Files()); diff != "" {
		t.Error(diff)
	}
	two := parse("D018 8103010102 82028182 920D023F007FFF6F073F007F206F07").Files()
	if diff := cmp.Diff([][]uint16{{0x3F00, 0x7FFF, 0x6F07}, {0x3F00, 0x7F20, 0x6F07}}, two); diff != "" {
		t.Error(diff)
	}
	if d, ok := parse("D00D 8103010300 82028182 8402011E").Duration(); !ok || d != 30*time.Second {
		t.Errorf("poll interval %s", d)
	}
	id, value, ok := parse("D011 8103012700 82028182 A40101 A503000003").Timer()
	if !ok || id != 1 || value != 30*time.Second { // swapped BCD: 03 is 30 seconds
		t.Errorf("timer %d %s", id, value)
	}
}

func TestMalformedCommands(t *testing.T) {
	for _, s := range []string{"", "D0", "D000", "D101810301260182028182", "D00981030126018202818200", "D0058103012601", "D0098102012601820281 82", "D004 8202 8182", "D00A8103012601 8203818283"} {
		if _, err := ParseProactive(raw(t, s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestTerminalResponses(t *testing.T) {
	p, err := ParseProactive(raw(t, "D009810301260182028182"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, row := range load(t).Responses {
		if row.APDU == nil || !bytes.HasPrefix(row.Body, raw(t, "8103012601 82028281 8301")) {
			continue // answers to other commands, or in shapes of other terminals
		}
		a := Answer{Result: Result(row.Result[0])}
		if rest := row.Body[12:]; len(rest) > 0 {
			a.Objects = rest
		}
		got, err := TerminalResponse(p, a).Bytes()
		if err != nil || !bytes.Equal(got, row.APDU) {
			t.Errorf("%s: %X, want %X", row.ID, got, []byte(row.APDU))
		}
		ran++
	}
	if ran < 3 {
		t.Errorf("%d rows ran", ran)
	}
}

// TestIdentities: the rows of docs and of the conformance text for IMEI and IMEISV.
func TestIdentities(t *testing.T) {
	for digits, want := range map[string]string{
		"490154203237518": "94084A09512430325781", "490154203237510": "94084A09512430325701", "49015420323751": "94084A09512430325701",
		"356938035643809": "94083A65390853468390", "123456789012345": "94081A32547698103254",
	} {
		if got, err := IMEIObject(digits); err != nil || !bytes.Equal(got, raw(t, want)) {
			t.Errorf("%s: %X, %v", digits, got, err)
		}
	}
	for digits, want := range map[string]string{"4901542032375100": "E20943 09512430325701F0", "1234567890123456": "E20913 32547698103254F6"} {
		if got, err := IMEISVObject(digits); err != nil || !bytes.Equal(got, raw(t, want)) {
			t.Errorf("%s: %X, %v", digits, got, err)
		}
	}
	for _, bad := range []string{"", "1234", "49015420323751x", "1234567890123456"} {
		if _, err := IMEIObject(bad); !errors.Is(err, ErrIdentity) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	rows := load(t).Envelopes
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	got, err := MenuSelected(1).Bytes()
	if err != nil || !bytes.Equal(got, rows[0].APDU) {
		t.Errorf("%s: %X, want %X, %v", rows[0].ID, got, []byte(rows[0].APDU), err)
	}
}

// TestFlow is one whole round as recorded: profile, FETCH, TERMINAL RESPONSE.
func TestFlow(t *testing.T) {
	rows := load(t).Flow
	steps := rows[0].Steps
	next := 0
	card := apdu.TransmitterFunc(func(_ context.Context, c apdu.Command) (apdu.Response, error) {
		got, err := c.Bytes()
		if err != nil {
			return apdu.Response{}, err
		}
		if next >= len(steps) || !bytes.Equal(got, steps[next].Command) {
			return apdu.Response{SW: apdu.SWOK}, nil // files and polls stand between the recorded steps
		}
		next++
		return apdu.ParseResponse(append(bytes.Clone(steps[next-1].Response), steps[next-1].SW...))
	})
	if _, err := New(card, nil, phone(t, "490154203237518")).Boot(context.Background()); err != nil {
		t.Fatal(err)
	}
	if next != len(steps) {
		t.Errorf("%d of %d recorded steps were sent", next, len(steps))
	}
}

func TestProfiles(t *testing.T) {
	for _, row := range load(t).Profiles {
		p := Profile(row.Hex)
		if p.Has(FacilityRefresh) != row.Refresh || p.Has(FacilityIMEI) != row.IMEI || p.Has(FacilityIMEISV) != row.IMEISV {
			t.Errorf("%s: %v %v %v", row.ID, p.Has(FacilityRefresh), p.Has(FacilityIMEI), p.Has(FacilityIMEISV))
		}
	}
	for _, name := range ProfileNames() {
		p, err := NamedProfile(name)
		if err != nil || !p.Has(FacilityRefresh) || p.Has(FacilityIMEI) == (name == "no-pli") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NamedProfile("no such"); err == nil {
		t.Error("an unknown profile was accepted")
	}
	if (Profile{0xFF}).Has(-1) || (Profile{0xFF}).Has(1000) {
		t.Error("a facility beyond the profile is announced")
	}
}

// card is a scripted card: it queues proactive commands and notes what the terminal said.
type card struct {
	queue    [][]byte
	more     func(cmd apdu.Command) [][]byte // asked after every command
	said     []string
	resets   int
	imsi     []byte
	failures int
}

func (c *card) Transmit(_ context.Context, cmd apdu.Command) (apdu.Response, error) {
	r := apdu.Response{SW: apdu.SWOK}
	switch cmd.INS {
	case apdu.INSReadBinary:
		r.Data = c.imsi
	case apdu.INSFetch:
		if len(c.queue) == 0 || cmd.Le != len(c.queue[0]) {
			c.failures++
			return apdu.Response{SW: apdu.SWNoDiagnosis}, nil
		}
		r.Data = c.queue[0]
		c.queue = c.queue[1:]
		return r, nil
	case apdu.INSTerminalResponse, apdu.INSEnvelope, apdu.INSTerminalProfile:
		c.said = append(c.said, fmt.Sprintf("%02X %X", cmd.INS, cmd.Data))
	}
	if c.more != nil {
		c.queue = append(c.queue, c.more(cmd)...)
	}
	if len(c.queue) > 0 {
		r.SW = 0x9100 | apdu.SW(byte(len(c.queue[0])))
	}
	return r, nil
}

func (c *card) Reset(context.Context, bool) error { c.resets++; c.queue = nil; return nil }

func phone(t testing.TB, imei string) Config {
	t.Helper()
	p, err := NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	return Config{Profile: p, IMEI: imei}
}

// onProfile queues commands when TERMINAL PROFILE comes.
func onProfile(t testing.TB, commands ...string) func(apdu.Command) [][]byte {
	return func(c apdu.Command) [][]byte {
		if c.INS != apdu.INSTerminalProfile {
			return nil
		}
		var out [][]byte
		for _, s := range commands {
			out = append(out, raw(t, s))
		}
		return out
	}
}

// TestAnswersEverything: a command for a screen is beyond it, an unknown type is said so, a malformed one too; none ends the start.
func TestAnswersEverything(t *testing.T) {
	c := &card{imsi: make([]byte, 9), more: onProfile(t,
		"D009810301260182028182", "D009810301020082028182", "D009810301218082028102", "D0098103017F0082028182", "D00D810301030082028182 8402011E",
		"D00C810301050082028182 990103", "D0028103", "D009810301260082028182", "D009810301040082028182")}
	report, err := New(c, c, phone(t, "490154203237518")).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Rounds {
		got = append(got, fmt.Sprintf("%s=%02X", r.Command.Type, byte(r.Answer.Result)))
	}
	want := []string{"PROVIDE LOCAL INFORMATION=00", "MORE TIME=00", "DISPLAY TEXT=30", "command type 7F=31", "POLL INTERVAL=00", "SET UP EVENT LIST=00", "command type 00=32",
		"PROVIDE LOCAL INFORMATION=30", "POLLING OFF=00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.failures > 0 || !strings.Contains(c.said[1], "94084A09512430325781") {
		t.Errorf("%d wrong FETCHes; said %q", c.failures, c.said[1])
	}
}

func TestRefreshByReset(t *testing.T) {
	profiles := 0
	c := &card{imsi: make([]byte, 9)}
	c.more = func(cmd apdu.Command) [][]byte {
		if cmd.INS != apdu.INSTerminalProfile {
			return nil
		}
		if profiles++; profiles > 1 {
			return nil
		}
		return [][]byte{raw(t, "D009810301010482028182")}
	}
	report, err := New(c, c, phone(t, "490154203237518")).Boot(context.Background())
	if err != nil || c.resets != 1 || report.Resets != 1 || profiles != 2 {
		t.Errorf("%d resets, %d profiles, %v", c.resets, profiles, err)
	}
	for _, s := range c.said {
		if strings.HasPrefix(s, "14") {
			t.Errorf("REFRESH by reset was answered: %s", s)
		}
	}
}

// TestRestlessCards: a card that never comes to rest is left, whatever it does.
func TestRestlessCards(t *testing.T) {
	always := &card{imsi: make([]byte, 9), more: func(apdu.Command) [][]byte { return [][]byte{raw(t, "D009810301260182028182")} }}
	var loop *LoopError
	if _, err := New(always, always, phone(t, "490154203237518")).Boot(context.Background()); !errors.As(err, &loop) {
		t.Errorf("endless questions: %v", err)
	}
	resets := &card{imsi: make([]byte, 9), more: onProfile(t, "D009810301010482028182")}
	if _, err := New(resets, resets, phone(t, "490154203237518")).Boot(context.Background()); !errors.As(err, &loop) || loop.Resets != maxResets+1 {
		t.Errorf("endless resets: %v", err)
	}
	timers := &card{imsi: make([]byte, 9), more: func(c apdu.Command) [][]byte {
		if c.INS == apdu.INSTerminalProfile || c.INS == apdu.INSEnvelope {
			return [][]byte{raw(t, "D011810301270082028182A40101A503000003")}
		}
		return nil
	}}
	if _, err := New(timers, timers, phone(t, "490154203237518")).Boot(context.Background()); !errors.As(err, &loop) {
		t.Errorf("endless timers: %v", err)
	}
}

func TestTimerRunsOut(t *testing.T) {
	c := &card{imsi: make([]byte, 9), more: onProfile(t, "D011810301270082028182A40102A503006000")}
	report, err := New(c, c, phone(t, "490154203237518")).Boot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.said) != 3 || c.said[2] != "C2 D70C820282"+"81A40102A503006000" {
		t.Errorf("said %q after %d polls", c.said, report.Polls)
	}
}

func TestMannersOfTerminals(t *testing.T) {
	question := onProfile(t, "D009810301260182028182", "D009810301260882028182", "D009810301010082028182")
	for name, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"IMEI and IMEISV":  {func(c *Config) { c.IMEISV = "4901542032375100" }, "00 00 00"},
		"no IMEISV":        {func(*Config) {}, "00 30 00"},
		"no IMEI":          {func(c *Config) { c.IMEI = "" }, "02 30 00"},
		"refuses":          {func(c *Config) { c.Result = 0x32 }, "32 30 00"},
		"busy once":        {func(c *Config) { c.Busy = 1 }, "20 30 00"},
		"performed, empty": {func(c *Config) { c.NoObject = true }, "00 30 00"},
		"refuses REFRESH":  {func(c *Config) { c.Refresh = 0x20 }, "00 30 20"},
		"never fetches":    {func(c *Config) { c.Silent = true }, ""},
		"knows no toolkit": {func(c *Config) { c.NoCAT = true }, ""},
		"another object":   {func(c *Config) { c.RawIMEI = []byte{0x94, 0x01, 0x00} }, "00 30 00"},
	} {
		c := &card{imsi: make([]byte, 9), more: question}
		cfg := phone(t, "490154203237518")
		row.change(&cfg)
		report, err := New(c, c, cfg).Boot(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, r := range report.Rounds {
			got = append(got, fmt.Sprintf("%02X", byte(r.Answer.Result)))
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

func TestLinkFailure(t *testing.T) {
	cable := errors.New("cable")
	for n := range 4 {
		left := n
		c := apdu.TransmitterFunc(func(context.Context, apdu.Command) (apdu.Response, error) {
			if left--; left < 0 {
				return apdu.Response{}, cable
			}
			return apdu.Response{SW: apdu.SWOK, Data: make([]byte, 9)}, nil
		})
		if _, err := New(c, nil, phone(t, "490154203237518")).Boot(context.Background()); !errors.Is(err, cable) {
			t.Errorf("after %d commands: %v", n, err)
		}
	}
}

func FuzzParseProactive(f *testing.F) {
	for _, row := range load(f).Commands {
		f.Add([]byte(row.Hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProactive(b)
		if err != nil {
			return
		}
		p.Files()
		p.Duration()
		p.Timer()
		p.AID()
		if _, err := TerminalResponse(p, Answer{}).Bytes(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzBoot lets a card say anything: the terminal neither panics nor goes on for ever.
func FuzzBoot(f *testing.F) {
	for _, row := range load(f).Commands {
		f.Add([]byte(row.Hex))
	}
	f.Add([]byte{0xD0, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		c := apdu.TransmitterFunc(func(_ context.Context, cmd apdu.Command) (apdu.Response, error) {
			n++
			if n > 10_000 {
				t.Fatal("it goes on for ever")
			}
			if cmd.INS == apdu.INSFetch {
				return apdu.Response{Data: b, SW: apdu.SWOK}, nil
			}
			return apdu.Response{SW: 0x9100 | apdu.SW(byte(len(b)))}, nil
		})
		_, _ = New(c, nil, phone(t, "490154203237518")).Boot(context.Background())
	})
}
