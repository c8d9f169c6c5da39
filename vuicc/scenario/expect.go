package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/tlv"
)

// asks compares the proactive command that waits.
func (b *bench) asks(l Line) error {
	b.asked = true
	if got := b.question(); got != strings.Join(l.Words, " ") {
		return fmt.Errorf("the card asks %s", got)
	}
	return nil
}

// question is the proactive command that waits, in the words of the language.
func (b *bench) question() string {
	c := b.command
	switch {
	case c == nil:
		return "nothing"
	case c[placeOfType] == typeLocal && c[placeOfQualifier] == qualifierIMEI:
		return "imei"
	case c[placeOfType] == typeLocal && c[placeOfQualifier] == qualifierIMEISV:
		return "imeisv"
	case c[placeOfType] == typeRefresh:
		return strings.Join(append([]string{"refresh", text(c[placeOfQualifier : placeOfQualifier+1])}, filesOf(c)...), " ")
	}
	return "command " + text(c)
}

// filesOf lists the files of a REFRESH (TS 102 223 clause 8.18: their number, then paths from 3F00), or the AID it names.
func filesOf(command []byte) []string {
	o, _, err := tlv.Next(command)
	if err != nil {
		return nil
	}
	objects, err := tlv.ParseComprehension(o.Value)
	if err != nil {
		return nil
	}
	if aid, ok := objects.Find(0x2F); ok {
		return []string{text(aid)}
	}
	list, _ := objects.Find(0x12)
	var out []string
	for i := 1; i+1 < len(list); i += 2 {
		if list[i] == 0x3F && list[i+1] == 0x00 {
			out = append(out, "")
		}
		if len(out) > 0 {
			out[len(out)-1] += text(list[i : i+2])
		}
	}
	return out
}

func (b *bench) usim(l Line) error { return b.shows(copies["usim"], l.Words[0]) }
func (b *bench) gsm(l Line) error  { return b.shows(copies["gsm"], l.Words[0]) }
func (b *bench) file(l Line) error { return b.shows(l.Words[0], l.Words[1]) }

func (b *bench) shows(path, want string) error {
	if got := text(b.content(path)); got != want {
		return fmt.Errorf("%s is %s", path, got)
	}
	return nil
}

// object reads one object whole over a session: GET DATA by parts of 200 bytes until one is shorter.
func (b *bench) object(tag byte) ([]byte, error) {
	s, err := b.session()
	if err != nil {
		return nil, err
	}
	var out []byte
	for part := byte(0); ; part++ {
		r, err := s.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: 0xCA, P1: part, P2: tag, Le: 256})
		if err != nil {
			return nil, err
		}
		switch {
		case part > 0 && r.SW == apdu.SWReferenceNotFound:
			return out, nil
		case !r.SW.OK() && plain(r.SW) != apdu.SWOK:
			return nil, fmt.Errorf("GET DATA %02X answers %04X", tag, int(r.SW))
		}
		if out = append(out, r.Data...); len(r.Data) < 200 {
			return out, nil
		}
	}
}

// state compares objects of E1, all views: every value of a tag in order, or - for none.
func (b *bench) state(l Line) error { return b.holds(0xE1, l.Words) }

// information compares objects of E3.
func (b *bench) information(l Line) error { return b.holds(0xE3, l.Words) }

func (b *bench) holds(tag byte, words []string) error {
	values, err := b.values(tag)
	if err != nil {
		return err
	}
	var wrong []string
	for _, w := range words {
		t, want, _ := strings.Cut(w, "=")
		got := strings.Join(values[t], ",")
		if got == "" {
			got = "-"
		}
		if got != want {
			wrong = append(wrong, t+"="+got)
		}
	}
	if wrong != nil {
		return errors.New(strings.Join(wrong, " "))
	}
	return nil
}

// values are the objects in a template, by tag in hex.
func (b *bench) values(tag byte) (map[string][]string, error) {
	raw, err := b.object(tag)
	if err != nil {
		return nil, err
	}
	outer, err := tlv.Parse(raw)
	if err != nil || len(outer) != 1 {
		return nil, fmt.Errorf("object %02X is %X", tag, raw)
	}
	objects, err := tlv.Parse(outer[0].Value)
	if err != nil {
		return nil, fmt.Errorf("object %02X is %X", tag, raw)
	}
	out := map[string][]string{}
	for _, o := range objects {
		t := fmt.Sprintf("%02X", int(o.Tag))
		out[t] = append(out[t], text(o.Value))
	}
	return out, nil
}

// configuration compares E0 as it is read back.
func (b *bench) configuration(l Line) error { return b.reads(0xE0, l.Words[0]) }

// log compares E4 whole.
func (b *bench) log(l Line) error { return b.reads(0xE4, l.Words[0]) }

func (b *bench) reads(tag byte, want string) error {
	raw, err := b.object(tag)
	if err != nil {
		return err
	}
	if got := text(raw); got != want {
		return fmt.Errorf("it is %s", got)
	}
	return nil
}
