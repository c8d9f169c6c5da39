package jvm_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc/image"
)

// The classes of events beside a terminal's start, a change at a desk and an issuer's write.

// anyAlteration is what is special about an instance: mostly nothing; an access domain that keeps something from it, no ADF, a first
// configuration, no toolkit parameters.
func anyAlteration(t *rapid.T) func(*image.Applet) {
	domains := []string{"00", "FF", "02010000", "02000100", "02010100"}
	which, mf, adf := rapid.IntRange(0, 9).Draw(t, "instance"), rapid.SampledFrom(domains).Draw(t, "MF"), rapid.SampledFrom(domains).Draw(t, "ADF")
	e0 := rapid.SampledFrom(lives).Draw(t, "first").first()
	return func(a *image.Applet) {
		switch which {
		case 0, 1:
			a.Access = slices.Clone(a.Access)
			for i := range a.Access {
				if len(a.Access[i].ADF) == 0 {
					a.Access[i].Domain = unhex(mf)
				} else {
					a.Access[i].Domain = unhex(adf)
				}
			}
		case 2:
			a.Application = nil
		case 3, 4:
			a.Application = append(slices.Clone(a.Application), e0...)
		case 5:
			a.Priority, a.Timers = 0, 0
		}
	}
}

// location files, and others that the applet looks at.
var lookedAt = []string{"ADF1/6F7E", "ADF1/6F73", "ADF1/6FE3", "ADF1/5FC0/4F01", "ADF1/5FC0/4F02", "ADF1/6F08", "ADF1/6F09", "ADF1/6FE4", "ADF1/5FC0/4F03",
	"ADF1/5FC0/4F04", "ADF1/6F7B", "3F00/7F20/6F7E", "3F00/7F20/6F53", "3F00/7F20/6F20", "3F00/7F20/6F52", "3F00/7F20/6F7B", "ADF1/6FF1", "ADF1/6F38"}

// put replaces the beginning of a file, straight in the memory.
func (s *side) put(path string, content []byte) {
	for _, f := range s.card.Files() {
		if f.Path == path {
			b := slices.Clone([]byte(f.Content))
			copy(b, content)
			s.note(path, s.card.NVM().PutNow("file/"+path, b))
		}
	}
}

func anyContent(t *rapid.T) step {
	path := rapid.SampledFrom(lookedAt).Draw(t, "path")
	content := rapid.SliceOfN(rapid.SampledFrom([]byte{0xFF, 0x00, 0x07, 0x12}), 1, 70).Draw(t, "bytes")
	switch path {
	case "ADF1/6FF1":
		content = unhex(rapid.SampledFrom([]string{"FFFFFFFF", "4F4BFFFF", "4B4FFFFF", "4F4B01FF", "4F4BFF00", "5858FFFF", "FFFF02FF"}).Draw(t, "record"))
	case "ADF1/6F38":
		services := make([]byte, 17)
		services[16] = rapid.SampledFrom([]byte{0x00, 0x02}).Draw(t, "service 130")
		content = services
	}
	return step{fmt.Sprintf("%s becomes %X", path, content), func(s *side) { s.put(path, content) }}
}

// anyTemplate is what no host would send.
func anyTemplate(t *rapid.T) []byte {
	b := rapid.OneOf(rapid.Custom(anyConfiguration), rapid.Custom(anyAction)).Draw(t, "template")
	b = slices.Clone(b)
	switch rapid.IntRange(0, 6).Draw(t, "harm") {
	case 0:
		b = b[:rapid.IntRange(1, len(b)).Draw(t, "length")]
	case 1:
		b[rapid.IntRange(0, min(len(b)-1, 12)).Draw(t, "place")] = rapid.SampledFrom([]byte{0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0xE0, 0xE2, 0xFF}).Draw(t, "byte")
	case 2:
		b = append(b, rapid.SliceOfN(rapid.SampledFrom([]byte{0x00, 0x80, 0x01, 0xE0}), 1, 4).Draw(t, "behind")...)
	case 3:
		b = append([]byte{b[0], 0x81}, b[1:]...)
	case 4:
		b = append([]byte{b[0], 0x82, 0x00}, b[1:]...)
	case 5:
		b = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "nonsense")
	}
	return b
}

type block struct {
	p1, p2 byte
	data   []byte
}

// anyBlocks is a chain that is mostly not in order.
func anyBlocks(t *rapid.T) []block {
	all := rapid.Custom(anyConfiguration).Draw(t, "template")
	size := rapid.SampledFrom([]int{1, 3, 8, 200}).Draw(t, "size")
	var out []block
	for i, c := range binding.StoreData(all, size) {
		b := block{c.P1, c.P2, c.Data}
		switch rapid.IntRange(0, 30).Draw(t, fmt.Sprint("block ", i)) {
		case 0:
			b.p1 = rapid.SampledFrom([]byte{0x00, 0x80, 0x30, 0x11, 0x90, 0x10}).Draw(t, "p1")
		case 1:
			b.p2 = rapid.SampledFrom([]byte{0x00, 0x01, 0x02, 0xFF}).Draw(t, "p2")
		case 2:
			continue
		case 3:
			out = append(out, b)
		case 4:
			b.data = nil
		}
		out = append(out, b)
	}
	return out[:rapid.IntRange(0, len(out)).Draw(t, "blocks")]
}

// send sends blocks in a session, the one for changing or the one for looking.
func (s *side) send(blocks []block, looking bool) {
	session := s.working
	if looking {
		session = s.session
	}
	if session == nil {
		s.note("no session", nil)
		return
	}
	for _, b := range blocks {
		r, err := session.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: apdu.INSStoreData, P1: b.p1, P2: b.p2, Data: b.data})
		s.note(fmt.Sprintf("%02X %02X %X: %s", b.p1, b.p2, b.data, r.SW.String()), err)
		if err != nil {
			s.session, s.working = nil, nil
			return
		}
	}
}

var domainAID = unhex("A000000151000000")

// personalize sends blocks through the security domain.
func (s *side) personalize(blocks []block, level gp.Level) {
	s.working = nil
	ctx := context.Background()
	if _, err := s.Transmit(ctx, apdu.Command{INS: apdu.INSSelect, P1: 0x04, Data: domainAID, Le: 256}); err != nil {
		s.note("SELECT", err)
		return
	}
	keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
	session, err := gp.Open(ctx, s, keys, gp.Options{Level: level, AID: domainAID})
	if err != nil {
		s.note("session", err)
		return
	}
	c, err := gp.InstallForPersonalization(binding.DefaultAID)
	if err != nil {
		s.note("INSTALL", err)
		return
	}
	r, err := session.Transmit(ctx, c)
	s.note("INSTALL "+r.SW.String(), err)
	s.working = session
	s.send(blocks, false)
	s.working = nil
}

// fetch gets the command that waits, for an answer later.
func (s *side) fetch() {
	for n := 1; n <= 128; n++ {
		out, err := s.card.Process([]byte{0x80, 0x12, 0x00, 0x00, byte(n)})
		if err != nil {
			s.note("fetch", err)
			return
		}
		if len(out) > 2 {
			s.fetched = out
			s.note(fmt.Sprintf("fetched %X", out), nil)
			return
		}
	}
	s.note("nothing to fetch", nil)
}

func (s *side) answerFetched(result string) {
	if s.fetched == nil {
		s.note("nothing was fetched", nil)
		return
	}
	s.answer(s.fetched, result)
}

// struck is a step during which a write of a file is cut or refused; then the power comes back.
func struck(t *rapid.T) step {
	f := fault{usim: rapid.Bool().Draw(t, "ADF"), fid: 0x6F07, n: rapid.IntRange(1, 2).Draw(t, "write"), cut: rapid.Bool().Draw(t, "cut")}
	f.size = rapid.IntRange(0, 9).Draw(t, "bytes")
	if rapid.IntRange(0, 3).Draw(t, "location") == 0 {
		f.fid, f.n, f.size = rapid.SampledFrom([]uint16{0x6F7E, 0x6F08, 0x6F73, 0x6FE4, 0x4F01, 0x6F20, 0x6F7B}).Draw(t, "file"), 1, 0
	}
	inner := rapid.Custom(commonStep).Draw(t, "in")
	return step{fmt.Sprintf("fault %v in: %s", f, inner.name), func(s *side) {
		now := f
		s.fault = &now
		if inner.do != nil {
			inner.do(s)
		}
		s.fault = nil
		s.powerOn()
	}}
}

func moreSteps(t *rapid.T, which int) step {
	switch which {
	case 0, 1, 2, 3:
		return struck(t)
	case 4, 5, 6:
		return anyContent(t)
	case 7:
		b, level, most := anyTemplate(t), rapid.SampledFrom(levels).Draw(t, "level"), rapid.SampledFrom([]int{1, 200}).Draw(t, "block")
		return step{fmt.Sprintf("harmed %X", b), func(s *side) { s.store(b, level, most) }}
	case 8, 9:
		blocks, looking := anyBlocks(t), rapid.Bool().Draw(t, "looking")
		return step{fmt.Sprintf("blocks %X, looking %v", blocks, looking), func(s *side) { s.send(blocks, looking) }}
	case 10, 11:
		blocks, level := anyBlocks(t), rapid.SampledFrom(levels).Draw(t, "level")
		return step{fmt.Sprintf("personalize %X", blocks), func(s *side) { s.personalize(blocks, level) }}
	case 12, 13:
		return step{"fetch", (*side).fetch}
	case 14, 15:
		a := anyAnswer(t)
		return step{"answer " + a, func(s *side) { s.answerFetched(a) }}
	case 16:
		c := unhex(rapid.SampledFrom([]string{"80F2000000", "80F2010C", "80F2020C", "80F2000C", "80F20300", "81F2000C", "80F2000116", "80AA000000", "8010000001FF"}).Draw(t, "status"))
		return step{fmt.Sprintf("say %X", c), func(s *side) { s.say(c) }}
	case 17:
		a, b := unhex(rapid.SampledFrom(imsis).Draw(t, "one")), unhex(rapid.SampledFrom(imsis).Draw(t, "other"))
		mask, which := rapid.IntRange(0, 511).Draw(t, "mask"), rapid.IntRange(1, 3).Draw(t, "copies")
		for i := range a {
			if mask>>i&1 != 0 {
				a[i] = b[i]
			}
		}
		return step{fmt.Sprintf("issue %X into %d", a, which), func(s *side) { s.issue(which&1 != 0, which&2 != 0, a) }}
	case 18:
		fid := rapid.SampledFrom([]string{"6F7E", "6F08", "6FE4", "6FF1", "6F38", "6F7B"}).Draw(t, "fid")
		act := rapid.SampledFrom([]string{"00040000", "00440000"}).Draw(t, "state")
		return step{"deactivate or activate " + fid + " " + act, func(s *side) {
			s.working = nil
			s.say(unhex("0020000A08 3838383838383838"))
			for _, c := range []string{"00A4040C10" + hex.EncodeToString(image.USIM()), "00A4000C02" + fid, act} {
				s.say(unhex(c))
			}
		}}
	}
	path := rapid.SampledFrom([]string{"00700000 01", "00708001", "00708000", "01A4040009F053494D42494E440100", "01A4040C09F053494D42494E4401"}).Draw(t, "channel")
	return step{"channel " + path, func(s *side) {
		s.say(unhex(strings.ReplaceAll(path, " ", "")))
		if strings.Contains(path, "8001") || strings.HasPrefix(path, "01") {
			s.session = nil
		}
	}}
}
