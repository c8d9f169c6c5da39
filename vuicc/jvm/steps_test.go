package jvm_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc/image"
)

// step is one thing that happens to a card. The zero step is nothing: what rapid shrinks to.
type step struct {
	name string
	do   func(s *side)
}

var imeis = []string{"490154203237518", "352099001761481", "356938035643809", "867530900000000"}

var imsis = []string{
	"080910100000214365", // of usim-linked
	"080910000110325476", // of usim-separate
	"082926101160845740",
	"080910100000000999", // used as a denial value, too
	"072926101160845740FF"[:18],
	"00FFFFFFFFFFFFFFFF",
	"FFFFFFFFFFFFFFFFFF",
	"080A10100000214365",
}

func template(tag, value string) []byte {
	n := len(value) / 2
	length := fmt.Sprintf("%02X", n)
	switch {
	case n > 0xFF:
		length = fmt.Sprintf("82%04X", n)
	case n > 0x7F:
		length = "81" + length
	}
	return unhex(tag + length + value)
}

// anyEntries are patterns and ranges, mostly such that some of the terminals match.
func anyEntries(t *rapid.T) string {
	entry := rapid.Custom(func(t *rapid.T) string {
		imei := rapid.SampledFrom(imeis).Draw(t, "imei")[:14]
		switch rapid.IntRange(0, 5).Draw(t, "entry") {
		case 0:
			return "8107" + imei
		case 1:
			return "8107" + imei[:8] + "FFFFFF"
		case 2:
			return "8107FF" + imei[2:8] + "F" + imei[9:14]
		case 3:
			return "820E" + imei[:8] + "000000" + imei[:8] + "999999"
		case 4:
			return "820E" + imei + imei
		}
		return rapid.SampledFrom([]string{"8107FFFFFFFFFFFFFF", "81074901542032375A", "820E4901542032375149015420323750", "8106490154203237"}).Draw(t, "bad")
	})
	if rapid.IntRange(0, 19).Draw(t, "many") == 0 { // around the sixteen a card must hold, and more than it has room for
		return strings.Join(rapid.SliceOfN(entry, 14, 45).Draw(t, "entries"), "")
	}
	return strings.Join(rapid.SliceOfN(entry, 0, 3).Draw(t, "entries"), "")
}

// anyConfiguration is an E0: mostly one that is accepted.
func anyConfiguration(t *rapid.T) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "8001%02X", rapid.SampledFrom([]byte{1, 2, 1, 2, 0, 3}).Draw(t, "scheme"))
	b.WriteString(anyEntries(t))
	maybe := func(name string, values ...string) {
		if rapid.Bool().Draw(t, "has "+name) {
			b.WriteString(rapid.SampledFrom(values).Draw(t, name))
		}
	}
	maybe("policy", "830100", "830101", "830102", "830103", "830104", "830108", "83010A", "830110", "830112", "830120", "830122", "83013F", "830140")
	maybe("denial", "8409"+imsis[3], "840900FFFFFFFFFFFFFFFF", "8409"+imsis[0], "8409"+imsis[2], "840904FFFFFFFFFFFFFFFF",
		"8409080910100000000888", "8409080910100000000777", "8409080910100000000666", "8409080910100000000555")
	maybe("refresh", "850100", "850102", "850104", "850105", "850103")
	maybe("terminals", "860101", "860102", "860104", "860105")
	if rapid.IntRange(0, 9).Draw(t, "generation") == 0 {
		fmt.Fprintf(&b, "8A0200%02X", rapid.IntRange(0, 4).Draw(t, "expected"))
	}
	return template("E0", b.String())
}

func anyAction(t *rapid.T) []byte {
	which := rapid.IntRange(1, 7).Draw(t, "action")
	v := fmt.Sprintf("8001%02X", which)
	if which == 4 || rapid.IntRange(0, 19).Draw(t, "odd") == 0 {
		v += "8107" + rapid.SampledFrom(imeis).Draw(t, "imei")[:14]
	}
	if rapid.IntRange(0, 9).Draw(t, "generation") == 0 {
		v += fmt.Sprintf("8A0200%02X", rapid.IntRange(0, 4).Draw(t, "expected"))
	}
	return template("E2", v)
}

// anyTerminal is a terminal's nature.
func anyTerminal(t *rapid.T) cat.Config {
	profile, err := cat.NamedProfile("phone")
	if err != nil {
		t.Fatal(err)
	}
	c := cat.Config{Profile: profile, ADF: image.USIM(), IMEI: rapid.SampledFrom(imeis).Draw(t, "imei"), Polls: rapid.IntRange(1, 3).Draw(t, "polls")}
	switch rapid.IntRange(0, 11).Draw(t, "nature") {
	case 0:
		c.IMEISV, c.IMEI = c.IMEI[:14]+"99", ""
	case 1:
		c.IMEI = c.IMEI[:14]
	case 2:
		c.Result = cat.Result(rapid.SampledFrom([]byte{0x02, 0x10, 0x14, 0x20, 0x23, 0x28, 0x30, 0x34, 0x3F, 0x01, 0x0F}).Draw(t, "result"))
	case 3:
		c.Busy = rapid.SampledFrom([]int{1, 2, 9, 10, 11}).Draw(t, "busy")
	case 4:
		c.NoObject = true
	case 5:
		c.RawIMEI = unhex(rapid.SampledFrom([]string{"94084B09512430325781", "94074A095124303257", "94084AB9512430325781", "14084A09512430325781",
			"94080A00000000000000", "620913942105430A112233", "E209439021051324650718", "94084A0951243032", "9408", "94814A"}).Draw(t, "object"))
	case 6:
		c.NoCAT = true
	case 7:
		c.Silent = true
	}
	if rapid.IntRange(0, 3).Draw(t, "refreshes") == 0 {
		c.Refresh = cat.Result(rapid.SampledFrom([]byte{0x01, 0x03, 0x10, 0x20, 0x21, 0x30, 0x32}).Draw(t, "refresh"))
	}
	return c
}

func natureOf(c cat.Config) string {
	return fmt.Sprintf("%s %s result %02X busy %d object %v %X REFRESH %02X fetches %v profile %v polls %d", c.IMEI, c.IMEISV, byte(c.Result), c.Busy,
		!c.NoObject, c.RawIMEI, byte(c.Refresh), !c.Silent, !c.NoCAT, c.Polls)
}

func (s *side) boot(c cat.Config) {
	s.powerOn()
	report, err := cat.New(s, s, c).Boot(context.Background())
	s.working = nil // the terminal selected on channel 0
	s.note(fmt.Sprintf("resets %d, refreshes %d, EF_IMSI %X %X", report.Resets, report.Refreshes, report.IMSIBefore, report.IMSIAfter), err)
	for _, r := range report.Rounds {
		s.note(r.Command.String(), nil)
	}
}

// issue writes EF_IMSI with ADM1 in one copy or both.
func (s *side) issue(gsm, usim bool, content []byte) {
	s.working = nil
	s.say(unhex("0020000A08 3838383838383838"))
	update := append([]byte{0x00, 0xD6, 0x00, 0x00, 0x09}, content...)
	if gsm {
		s.say(unhex("00A4080C04 7F206F07"))
		s.say(update)
	}
	if usim {
		s.say(unhex("00A4040C10" + hex.EncodeToString(image.USIM())))
		s.say(unhex("00A4000C02 6F07"))
		s.say(update)
	}
}

// soil writes location and keys as a network leaves them, straight into the memory.
func (s *side) soil() {
	for _, f := range [][2]string{{"ADF1/6F7E", "112233440011001234FF00"}, {"ADF1/6F08", "03" + strings.Repeat("AB", 32)}, {"3F00/7F20/6F7E", "112233440011001234FF00"}} {
		if s.hasFile(f[0]) {
			s.note(f[0], s.card.NVM().PutNow("file/"+f[0], unhex(f[1])))
		}
	}
}

func (s *side) hasFile(path string) bool {
	for _, f := range s.card.Files() {
		if f.Path == path {
			return true
		}
	}
	return false
}

const phoneProfile = "8010000014 FFFFFFFF7F9D00DFBF00001FE2000000C36B0007"

// respond fetches what waits and answers it.
func (s *side) respond(result string) {
	s.status()
	for n := 1; n <= 64; n++ {
		out, err := s.card.Process([]byte{0x80, 0x12, 0x00, 0x00, byte(n)})
		if err != nil {
			s.note("fetch", err)
			return
		}
		if len(out) > 2 {
			s.note(fmt.Sprintf("fetched %X", out), nil)
			s.answer(out, result)
			return
		}
	}
	s.note("nothing to fetch", nil)
}

func (s *side) answer(command []byte, result string) {
	r := unhex(result)
	data := append([]byte{0x81, 0x03, command[4], command[5], command[6], 0x82, 0x02, 0x82, 0x81}, r...)
	s.say(append([]byte{0x80, 0x14, 0x00, 0x00, byte(len(data))}, data...))
}

func (s *side) status() {
	s.working = nil
	s.say(unhex("00A4040C10" + hex.EncodeToString(image.USIM())))
	s.say(unhex("80F2000C"))
}

func identity(imei string) string {
	o, err := cat.IMEIObject(imei)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%X", o)
}

// anyAnswer is what a TERMINAL RESPONSE has behind the devices.
func anyAnswer(t *rapid.T) string {
	if rapid.Bool().Draw(t, "good") {
		return "830100" + identity(rapid.SampledFrom(imeis).Draw(t, "imei"))
	}
	return rapid.SampledFrom([]string{"830100", "830102", "83022000", "83022101", "830130", "830110", "8300", "", "03020105", "83040001020394084A09512430325781"}).Draw(t, "answer")
}

// anyCommand is a command to the applet as nobody should send it.
func anyCommand(t *rapid.T) []byte {
	if rapid.Bool().Draw(t, "shaped") {
		return unhex(rapid.SampledFrom([]string{"80CA00E100", "80CA00E300", "80CA00E000", "80CA00E400", "80CA01E100", "80CA00E500", "80CAFFE100", "80CA00E101",
			"84CA00E100", "84CA00E10008" + "0000000000000000" + "00", "80E2900005E003800101", "80E2100001E0", "80E2900003E00300", "84E290000D" + "E003800101" + "0011223344556677",
			"80E200000100", "8050000008" + "0001020304050607" + "00", "8050FF0008" + "0001020304050607" + "00", "8482010010" + strings.Repeat("00", 16), "80500000", "00B0000000", "80B0000000",
			"90CA00E100", "A0CA00E100", "C0CA00E100", "81CA00E100", "00A4040009F053494D42494E440100", "00A404000CF053494D42494E4401000000" + "00", "00A4040C09F053494D42494E4401", "00A4040005F053494D4200",
			"00700000" + "01", "00708001", "01A4040009F053494D42494E440100", "80CA00E1"}).Draw(t, "command"))
	}
	cla := rapid.SampledFrom([]byte{0x80, 0x84, 0x00, 0x81, 0x85, 0xC0}).Draw(t, "cla")
	ins := rapid.SampledFrom([]byte{0xCA, 0xE2, 0xCA, 0xCB, 0x50, 0x82}).Draw(t, "ins")
	head := []byte{cla, ins, rapid.Byte().Draw(t, "p1"), rapid.Byte().Draw(t, "p2")}
	if ins == 0xCA && cla&0x0C == 0 { // with T=0 a card takes Lc for Le, and an applet cannot tell them apart
		return append(head, rapid.Byte().Draw(t, "le"))
	}
	rest := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "rest")
	if len(rest) > 2 && rest[0] == 0 { // extended lengths: this buffer has no room for them, the model does not mind
		rest[0] = 1
	}
	return append(head, rest...)
}

var levels = []gp.Level{0x01, 0x03, 0x11, 0x13, 0x33}

var anyStep = rapid.Custom(func(t *rapid.T) step {
	if which := rapid.IntRange(0, 49).Draw(t, "kind"); which >= 30 {
		return moreSteps(t, which-30)
	}
	return commonStep(t)
})

func commonStep(t *rapid.T) step {
	switch rapid.IntRange(0, 29).Draw(t, "step") {
	case 0:
		return step{}
	case 1, 2, 3, 4, 5, 6:
		c := anyTerminal(t)
		return step{"start " + natureOf(c), func(s *side) { s.boot(c) }}
	case 7, 8, 9, 10:
		e0, level, most := anyConfiguration(t), rapid.SampledFrom(levels).Draw(t, "level"), rapid.SampledFrom([]int{1, 7, 200}).Draw(t, "block")
		return step{fmt.Sprintf("configure %X", e0), func(s *side) { s.store(e0, level, most) }}
	case 11, 12, 13:
		e2, level := anyAction(t), rapid.SampledFrom(levels).Draw(t, "level")
		return step{fmt.Sprintf("act %X", e2), func(s *side) { s.store(e2, level, 200) }}
	case 14, 15, 16:
		content, which := unhex(rapid.SampledFrom(imsis).Draw(t, "content")), rapid.IntRange(1, 3).Draw(t, "copies")
		return step{fmt.Sprintf("issue %X into %d", content, which), func(s *side) { s.issue(which&1 != 0, which&2 != 0, content) }}
	case 17:
		return step{"power on", (*side).powerOn}
	case 18:
		return step{"reset", func(s *side) { s.note("reset", s.Reset(context.Background(), false)) }}
	case 19:
		return step{"soil", (*side).soil}
	case 20, 21:
		return step{"profile", func(s *side) { s.say(unhex(phoneProfile)) }}
	case 22, 23, 24:
		a := anyAnswer(t)
		return step{"respond " + a, func(s *side) { s.respond(a) }}
	case 25:
		return step{"status", (*side).status}
	case 26:
		return step{"timer", func(s *side) { s.say(unhex("80C200000E D70C 82028281 A40101 A503000003")) }}
	case 27:
		path := rapid.SampledFrom([]string{"00A4080404 7F206F07 00", "00A4040C10" + hex.EncodeToString(image.USIM()) + "|00A4000C026F07"}).Draw(t, "file")
		act := rapid.SampledFrom([]string{"00040000", "00440000"}).Draw(t, "state")
		return step{"deactivate or activate " + act, func(s *side) {
			s.working = nil
			s.say(unhex("0020000A08 3838383838383838"))
			for _, c := range strings.Split(path, "|") {
				s.say(unhex(c))
			}
			s.say(unhex(act))
		}}
	}
	c := anyCommand(t)
	return step{fmt.Sprintf("say %X", c), func(s *side) {
		s.session, s.working = nil, nil
		s.say(c)
	}}
}
