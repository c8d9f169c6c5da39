package vuicc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// The model of the binding applet, command by command, against docs/card-interface.md.

const (
	applet    = "00A4040009F053494D42494E440100"
	getE1open = "80CA00E100"
)

// session opens a secure channel to the applet of a powered card at a level.
func session(t *testing.T, c *vuicc.Card, level gp.Level) *gp.Session {
	t.Helper()
	talkTo := link(c)
	if _, err := apdu.Do(context.Background(), talkTo, "SELECT", binding.SelectApplet(binding.DefaultAID)); err != nil {
		t.Fatal(err)
	}
	s, err := gp.Open(context.Background(), talkTo, gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}, gp.Options{Level: level, AID: binding.DefaultAID})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Warnings()) > 0 {
		t.Errorf("warnings %v", s.Warnings())
	}
	return s
}

// store sends a template in blocks of most bytes and gives the last status word.
func store(t *testing.T, s *gp.Session, template string, most int) apdu.SW {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(template, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	var sw apdu.SW
	for _, c := range binding.StoreData(raw, most) {
		r, err := s.Transmit(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		if sw = r.SW; !sw.OK() {
			return sw
		}
	}
	return sw
}

func object(t *testing.T, s *gp.Session, tag byte) []byte {
	t.Helper()
	p := binding.NewParts(tag)
	for !p.Done() {
		r, err := apdu.Do(context.Background(), s, "GET DATA", p.Next())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Add(r.Data); err != nil {
			t.Fatal(err)
		}
	}
	return p.Bytes()
}

func TestAppletWithoutASession(t *testing.T) {
	c := powered(t, "usim-linked")
	talk(t, c, applet, "6F…",
		getE1open, "E1…", "80CA00E300", "E3…",
		"80CA00E000", "6982", "80CA00E400", "6982",
		"80CA01E100", "6A88", "80CA00E500", "6A88",
		"80E2900005 E003800101", "6982",
		"80E600000000", "6700", "00B0000000", "6E00", "80B0000000", "6D00", "90CA00E100", "6E00")
}

// TestOpenView hides serial numbers and backups, and shows them to a session.
func TestOpenView(t *testing.T) {
	w := begin(t, lives[0])
	w.happen(start(imeiA))
	open := fmt.Sprintf("%X", selected(t, w.card).Data)
	if strings.Contains(open, "49015420323751") || strings.Contains(open, oldIMSI) || !strings.Contains(open, "830749015420FFFFFF") {
		t.Errorf("open view %s", open)
	}
	full := fmt.Sprintf("%X", object(t, session(t, w.card, gp.LevelCMAC), 0xE1))
	if !strings.Contains(full, "830749015420323751") || !strings.Contains(full, "8809"+oldIMSI) || !strings.Contains(full, "9509"+oldIMSI) {
		t.Errorf("full view %s", full)
	}
}

// TestWorkedBytes are the rows of docs/card-interface.md §9, at every level and in blocks of every size.
func TestWorkedBytes(t *testing.T) {
	for _, level := range []gp.Level{0x01, 0x03, 0x11, 0x13, 0x33} {
		for _, most := range []int{1, 2, 5, 200} {
			c := powered(t, "usim-linked")
			s := session(t, c, level)
			if sw := store(t, s, "E003800101", most); sw != apdu.SWOK {
				t.Fatalf("level %02X, blocks of %d: %s", byte(level), most, sw)
			}
			if got := fmt.Sprintf("%X", object(t, s, 0xE0)); got != "E017800101830100840900FFFFFFFFFFFFFFFF850100860101" {
				t.Errorf("read back %s", got)
			}
			if sw := store(t, s, "E2 07 80 01 03 8A 02 0003", most); sw != 0x6984 {
				t.Errorf("generation 0003: %s", sw)
			}
			if sw := store(t, s, "E2 07 80 01 03 8A 02 0001", most); sw != apdu.SWOK {
				t.Errorf("unbind: %s", sw)
			}
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	c := powered(t, "usim-linked")
	s := session(t, c, gp.LevelCMAC)
	full := "E081" + fmt.Sprintf("%02X", 3+17*9) + "800102" + strings.Repeat("8107FFFFFFFFFFFF11", 17)
	for name, row := range map[string]struct {
		template string
		want     apdu.SW
	}{
		"no scheme":               {"E003830100", 0x6A80},
		"scheme 03":               {"E003800103", 0x6A80},
		"scheme twice":            {"E006800101800101", 0x6A80},
		"preset alone":            {"E003800102", 0x6A80},
		"unknown tag":             {"E006800101990100", 0x6A80},
		"pattern all F":           {"E00C8001028107FFFFFFFFFFFFFF", 0x6A80},
		"nibble A":                {"E00C800102810749015420FFFFFA", 0x6A80},
		"range upside down":       {"E013800102820E4901542032376049015420323751", 0x6A80},
		"policy bit 7":            {"E006800101830140", 0x6A80},
		"REFRESH 03":              {"E006800101850103", 0x6A80},
		"REFRESH 05, not offered": {"E006800101850105", 0x6A80},
		"no terminal":             {"E006800101860100", 0x6A80},
		"five terminals":          {"E006800101860105", 0x6A80},
		"denial is the IMSI":      {"E00E8001018409080910100000214365", 0x6A80},
		"plausible and strict":    {"E0118001018301028409082926101160845740", 0x6A80},
		"other generation":        {"E0078001018A020007", 0x6984},
		"too many":                {full, 0x6A84},
		"two templates":           {"E003800101E003800101", 0x6A80},
		"another template":        {"E103800101", 0x6A80},
		"cut":                     {"E0048001", 0x6A80},
	} {
		if sw := store(t, s, row.template, 200); sw != row.want {
			t.Errorf("%s: %s, want %s", name, sw.String(), row.want.String())
		}
	}
	if st, err := binding.ParseState(object(t, s, 0xE1)); err != nil || st.Generation != 0 || st.Status != binding.Unconfigured {
		t.Errorf("something was stored: %+v, %v", st, err)
	}
}

// TestBlocks: out of order, on another channel, or interrupted by a reset, a chain is dropped.
func TestBlocks(t *testing.T) {
	c := powered(t, "usim-linked")
	s := session(t, c, gp.LevelCMAC)
	send := func(p1, p2 byte, data string) apdu.SW {
		raw, _ := hex.DecodeString(data)
		r, err := s.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: 0xE2, P1: p1, P2: p2, Data: raw})
		if err != nil {
			t.Fatal(err)
		}
		return r.SW
	}
	if sw := send(0x10, 0, "E003"); sw != apdu.SWOK {
		t.Fatal(sw)
	}
	if sw := send(0x90, 2, "800101"); sw == apdu.SWOK {
		t.Error("a block out of order was taken")
	}
	if sw := send(0x90, 1, "800101"); sw == apdu.SWOK {
		t.Error("the chain went on after a block out of order")
	}
	if sw := send(0x80, 0, "E003800101"); sw == apdu.SWOK {
		t.Error("a block that is not BER-TLV was taken")
	}
	if sw := send(0x10, 0, "E003"); sw != apdu.SWOK {
		t.Fatal(sw)
	}
	s = session(t, c, gp.LevelCMAC)
	if sw := send(0x90, 1, "800101"); sw == apdu.SWOK {
		t.Error("the chain outlived its session")
	}
}

// TestThroughTheSecurityDomain: INSTALL [for personalization], then the same payload.
func TestThroughTheSecurityDomain(t *testing.T) {
	c := powered(t, "usim-linked")
	talkTo := link(c)
	isd := []byte{0xA0, 0, 0, 1, 0x51, 0, 0, 0}
	if _, err := apdu.Do(context.Background(), talkTo, "SELECT", apdu.Command{INS: 0xA4, P1: 0x04, Data: isd, Le: 256}); err != nil {
		t.Fatal(err)
	}
	s, err := gp.Open(context.Background(), talkTo, gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey()}, gp.Options{Level: gp.LevelCMAC, AID: isd})
	if err != nil {
		t.Fatal(err)
	}
	if sw := store(t, s, "E003800101", 200); sw != apdu.SWConditions {
		t.Errorf("STORE DATA without a target: %s", sw)
	}
	install := apdu.Command{CLA: 0x80, INS: 0xE6, P1: 0x20, Data: append([]byte{0, 0, 9}, append(bytes.Clone(binding.DefaultAID), 0, 0, 0)...), Le: 256}
	if _, err := apdu.Do(context.Background(), s, "INSTALL", install); err != nil {
		t.Fatal(err)
	}
	if sw := store(t, s, "E003800101", 2); sw != apdu.SWOK {
		t.Errorf("STORE DATA: %s", sw)
	}
	if st := stateOf(t, c); st.Generation != 1 || st.Status != binding.Armed {
		t.Errorf("state %+v", st)
	}
}

// selected is the answer of SELECT.
func selected(t *testing.T, c *vuicc.Card) apdu.Response {
	t.Helper()
	r, err := apdu.Do(context.Background(), link(c), "SELECT", binding.SelectApplet(binding.DefaultAID))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stateOf reads the open view.
func stateOf(t *testing.T, c *vuicc.Card) binding.State {
	t.Helper()
	r := selected(t, c)
	a, err := binding.ParseSelectAnswer(r.Data, binding.DefaultAID)
	if err != nil {
		t.Fatal(err)
	}
	return a.State
}

// TestTerminalAnswers: what a terminal may answer to PROVIDE LOCAL INFORMATION, and what the card makes of it (§8.4).
func TestTerminalAnswers(t *testing.T) {
	bound := life{name: "preset A", image: "usim-separate", e0: "E00C800102" + pattern(imeiA), denial: denialNone}
	allow := life{name: "preset A, no IMEI allowed", image: "usim-separate", e0: "E00F800102" + pattern(imeiA) + "830101", denial: denialNone}
	for name, row := range map[string]struct {
		life   life
		change func(*cat.Config)
		want   binding.Decision
		asked  int // PROVIDE LOCAL INFORMATION
	}{
		"right":             {bound, func(*cat.Config) {}, binding.Allowed, 1},
		"other":             {bound, func(c *cat.Config) { c.IMEI = imeiB }, binding.DeniedOther, 1},
		"spare digit 0":     {bound, func(c *cat.Config) { c.IMEI = imeiA[:14] }, binding.Allowed, 1},
		"IMEISV":            {bound, func(c *cat.Config) { c.IMEI = ""; c.IMEISV = imeiA[:14] + "99" }, binding.Allowed, 2},
		"cannot":            {bound, func(c *cat.Config) { c.Result = 0x30 }, binding.DeniedNoIMEI, 2},
		"cannot, allowed":   {allow, func(c *cat.Config) { c.Result = 0x30 }, binding.AllowedNoIMEI, 2},
		"user ended":        {bound, func(c *cat.Config) { c.Result = 0x10 }, binding.DeniedNoIMEI, 1},
		"nothing in it":     {bound, func(c *cat.Config) { c.NoObject = true }, binding.DeniedNoIMEI, 2},
		"all zeros":         {bound, func(c *cat.Config) { c.IMEI = strings.Repeat("0", 15) }, binding.DeniedNoIMEI, 2},
		"wrong type nibble": {bound, func(c *cat.Config) { c.RawIMEI = hexBytes("94084B09512430325781") }, binding.DeniedNoIMEI, 2},
		"short":             {bound, func(c *cat.Config) { c.RawIMEI = hexBytes("94074A095124303257") }, binding.DeniedNoIMEI, 2},
		"nibble that is no digit": {bound, func(c *cat.Config) {
			c.RawIMEI = hexBytes("94084AB9512430325781")
		}, binding.DeniedNoIMEI, 2},
		"without CR bit":  {bound, func(c *cat.Config) { c.RawIMEI = hexBytes("14084A09512430325781") }, binding.Allowed, 1},
		"busy twice":      {bound, func(c *cat.Config) { c.Busy = 2 }, binding.Allowed, 3},
		"busy nine times": {bound, func(c *cat.Config) { c.Busy = 9 }, binding.Allowed, 10},
		"busy ten times":  {bound, func(c *cat.Config) { c.Busy = 10 }, binding.DeniedNoIMEI, 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, row.life)
			if _, err := w.card.PowerOn(); err != nil {
				t.Fatal(err)
			}
			profile, err := cat.NamedProfile("phone")
			if err != nil {
				t.Fatal(err)
			}
			cfg := cat.Config{Profile: profile, IMEI: imeiA, ADF: image.USIM()}
			row.change(&cfg)
			talkTo := link(w.card)
			report, err := cat.New(talkTo, contacts{w.card}, cfg).Boot(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			for _, r := range report.Rounds {
				if r.Command.Type == cat.ProvideLocalInformation {
					asked++
				}
			}
			st := stateOf(t, w.card)
			if st.Decision != row.want || asked != row.asked {
				t.Errorf("%s after %d questions, want %s after %d", st.Decision, asked, row.want, row.asked)
			}
			if st.Failure != 0 {
				t.Errorf("failure %s", st.Failure)
			}
		})
	}
}

func hexBytes(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestRefreshOutcomes: refused REFRESH falls back to a reset, once; a refused reset is told and the content stays.
func TestRefreshOutcomes(t *testing.T) {
	for name, row := range map[string]struct {
		result   cat.Result
		commands string
		failure  string
	}{
		"performed":      {0x00, "REFRESH 00", "none"},
		"extra files":    {0x03, "REFRESH 00", "none"},
		"busy":           {0x20, "REFRESH 00 REFRESH 00 REFRESH 00 REFRESH 04", "refresh_refused"},
		"not understood": {0x30, "REFRESH 00 REFRESH 04", "refresh_refused"},
	} {
		w := begin(t, life{image: "usim-separate", e0: "E00C800102" + pattern(imeiA), denial: denialNone})
		if _, err := w.card.PowerOn(); err != nil {
			t.Fatal(err)
		}
		profile, err := cat.NamedProfile("phone")
		if err != nil {
			t.Fatal(err)
		}
		talkTo := link(w.card)
		report, err := cat.New(talkTo, contacts{w.card}, cat.Config{Profile: profile, IMEI: imeiB, Refresh: row.result, ADF: image.USIM()}).Boot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range report.Rounds {
			if r.Command.Type == cat.Refresh {
				got = append(got, r.Command.String())
			}
		}
		st := stateOf(t, w.card)
		if strings.Join(got, " ") != row.commands || st.Failure.Code() != row.failure || st.Files != binding.FilesDenial {
			t.Errorf("%s: %q, failure %s, EF_IMSI %s", name, got, st.Failure.Code(), st.Files)
		}
	}
}

// TestEFIPS: the outcome is written when it changes, and readable for everybody.
func TestEFIPS(t *testing.T) {
	l := life{image: "usim-linked", e0: "E00F800102" + pattern(imeiA) + "830108", denial: denialNone}
	w := begin(t, l)
	for _, step := range []struct{ imei, newest, second string }{
		{imeiA, "4F4BFFFF", "FFFFFFFF"}, {imeiA, "4F4BFFFF", "FFFFFFFF"}, {imeiB, "4B4FFFFF", "4F4BFFFF"}, {imeiA, "4F4BFFFF", "4B4FFFFF"},
	} {
		w.happen(start(step.imei))
		if got := fmt.Sprintf("%X", w.file("ADF1/6FF1")); !strings.HasPrefix(got, step.newest+step.second) {
			t.Errorf("after %s: %s", step.imei, got)
		}
	}
}

// TestEverydayStart: one proactive command, no file written, no REFRESH.
func TestEverydayStart(t *testing.T) {
	for _, l := range []life{lives[0], lives[1], lives[2]} {
		w := begin(t, l)
		w.happen(start(imeiA))
		files, count := w.card.Files(), w.card.Counters()
		w.happen(start(imeiA))
		if got := w.card.Counters().Proactive - count.Proactive; got != 1 {
			t.Errorf("%s: %d proactive commands", l.name, got)
		}
		for i, f := range w.card.Files() {
			if !bytes.Equal(f.Content, files[i].Content) {
				t.Errorf("%s: %s was written", l.name, f.Path)
			}
		}
	}
}

// TestStrictStartHides: before the terminal is checked, and in any reader, EF_IMSI is the denial value (I8).
func TestStrictStartHides(t *testing.T) {
	w := begin(t, lives[5])
	w.happen(start(imeiA)) // takes the first backup
	for range 2 {
		if _, err := w.card.PowerOn(); err != nil {
			t.Fatal(err)
		}
		talk(t, w.card, "00A4080402 2FE2", "61…")
		if got := fmt.Sprintf("%X", w.file("ADF1/6F07")); got != denialNone {
			t.Errorf("a reader sees %s", got)
		}
		w.happen(start(imeiA))
		if got := fmt.Sprintf("%X", w.file("ADF1/6F07")); got != oldIMSI {
			t.Errorf("the checked terminal sees %s", got)
		}
	}
}

// TestPreviousBackup goes back to the backup that a newer one replaced (§6, 06).
func TestPreviousBackup(t *testing.T) {
	w := begin(t, life{image: "usim-separate", e0: "E003800100", denial: denialNone})
	w.happen(start(imeiA))
	w.happen(writes(newIMSI))
	w.happen(start(imeiA))
	s := session(t, w.card, gp.LevelCMAC)
	if st, err := binding.ParseState(object(t, s, 0xE1)); err != nil || st.ReplacedUSIM == nil || fmt.Sprintf("%X", *st.ReplacedUSIM) != oldIMSI {
		t.Fatalf("%+v, %v", st, err)
	}
	if sw := store(t, s, "E203800106", 200); !sw.OK() {
		t.Fatal(sw)
	}
	for _, path := range []string{"ADF1/6F07", "3F00/7F20/6F07"} {
		if got := fmt.Sprintf("%X", w.file(path)); got != oldIMSI {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestResetUnwindsTheApplet: a card reset while the applet waits for an answer starts anew, and nobody is left waiting.
func TestResetUnwindsTheApplet(t *testing.T) {
	w := begin(t, lives[2])
	for range 50 {
		if _, err := w.card.PowerOn(); err != nil {
			t.Fatal(err)
		}
		profile := "8010000014 FFFFFFFF7F9D00DFBF00001FE2000000C36B0007"
		if got := say(t, w.card, profile); got != "910B" {
			t.Fatalf("TERMINAL PROFILE answers %s", got)
		}
		talk(t, w.card, "801200000B", "D0098103012601820281829000", "8014000003 830100", "6A80", "801200000B", "6F00")
	}
	if w.happen(start(imeiA)) || stateOf(t, w.card).Decision != binding.Allowed {
		t.Errorf("after the resets: %s", stateOf(t, w.card).Decision)
	}
}
