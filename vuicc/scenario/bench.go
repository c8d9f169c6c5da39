package scenario

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// Options say what the scenarios run against.
type Options struct {
	// Module is the implementation of the applet; nil is the one the card comes with.
	Module plug.New
	// Open opens a secure channel, C-MAC at least, with the applet that is selected on the link, and gives the transmitter that wraps.
	// The virtual card has no coder of the host's side, so the caller lends one.
	Open func(link apdu.Transmitter) (apdu.Transmitter, error)
}

// module is the AID of the applet's module and instance (docs/card-interface.md §2).
var module = []byte{0xF0, 0x53, 0x49, 0x4D, 0x42, 0x49, 0x4E, 0x44, 0x01}

// bench is a card in a terminal's hands.
type bench struct {
	opt     Options
	card    *vuicc.Card
	powered bool
	command []byte // the proactive command that was fetched and waits for an answer
	asked   bool   // a line expected it
	lenient bool   // expectations are left out: the run was cut
	truth   map[string]string
	onWrite func(int)
	tear    *Fault
	before  map[string][]byte // the memory before the write to be torn
	writes  int               // of the last step, refused ones included
	from    int               // writes of the card before the step
	armed   bool
	chain   apdu.Transmitter // the session of a chain of blocks
}

// errCut is a card that lost its power within a command.
var errCut = errors.New("the card lost its power")

// copies of EF_IMSI, by the word the language has for them.
var copies = map[string]string{"usim": "ADF1/6F07", "gsm": "3F00/7F20/6F07"}

func newBench(s Scenario, opt Options) (*bench, error) {
	img, err := s.Image()
	if err != nil {
		return nil, err
	}
	options := []vuicc.Option{vuicc.WithRand(rand.New(rand.NewSource(1)))}
	if opt.Module != nil {
		options = append(options, vuicc.WithModule(module, opt.Module))
	}
	card, err := vuicc.New(img, options...)
	if err != nil {
		return nil, err
	}
	b := &bench{opt: opt, card: card, truth: map[string]string{}}
	for name, path := range copies {
		if v := b.content(path); v != nil {
			b.truth[name] = text(v)
		}
	}
	b.onWrite = card.NVM().OnWrite
	card.NVM().OnWrite = b.wrote
	return b, nil
}

// Image is the scenario's card: its header carried out. One that fits no image is an *Error.
func (s Scenario) Image() (image.Image, error) {
	img, err := image.Get(s.Header[0].Words[0])
	if err != nil {
		return img, &Error{s.Name, s.Header[0].Number, err}
	}
	img = img.Clone()
	if len(img.Applets) != 1 {
		return img, &Error{s.Name, s.Header[0].Number, errors.New("the image has no binding applet")}
	}
	for _, l := range s.Header[1:] {
		if err := change(&img, l); err != nil {
			return img, &Error{s.Name, l.Number, err}
		}
	}
	return img, nil
}

func change(img *image.Image, l Line) error {
	applet := &img.Applets[0]
	switch l.Verb {
	case "install":
		applet.Application = append(applet.Application, unhex(l.Words[0])...)
	case "access":
		i := slices.IndexFunc(applet.Access, func(a image.AccessDomain) bool { return (len(a.ADF) > 0) == (l.Words[0] == "usim") })
		if i < 0 {
			return errors.New("the applet has no such access domain")
		}
		applet.Access[i].Domain = unhex(l.Words[1])
	case "content":
		f := img.File(l.Words[0])
		if f == nil {
			return fmt.Errorf("no file %s", l.Words[0])
		}
		f.Content = unhex(l.Words[1])
	case "without":
		n := len(img.Files)
		img.Files = slices.DeleteFunc(img.Files, func(f image.File) bool {
			return (f.Path + "/")[:min(len(f.Path)+1, len(l.Words[0])+1)] == l.Words[0]+"/"
		})
		if len(img.Files) == n {
			return fmt.Errorf("no file %s", l.Words[0])
		}
	}
	return nil
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // the parser checked it
	}
	return b
}

func text(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// content of a file as it stands; nil when there is none.
func (b *bench) content(path string) []byte {
	for _, f := range b.card.Files() {
		if f.Path == path {
			return f.Content
		}
	}
	return nil
}

// Transmit sends a command over the contacts.
func (b *bench) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	raw, err := c.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	out, err := b.card.Process(raw)
	if err != nil {
		b.powered, b.command = false, nil
		return apdu.Response{}, errCut
	}
	return apdu.ParseResponse(out)
}

// link is the card with its T=0 manner hidden, if it has one.
func (b *bench) link() apdu.Transmitter { return apdu.WithGetResponse(b, b.card.T0()) }

// send gives data and the status word; a link that failed is an error.
func (b *bench) send(c apdu.Command) (apdu.Response, error) {
	return b.link().Transmit(context.Background(), c)
}

// must is send for a command that may not be refused.
func (b *bench) must(name string, c apdu.Command) ([]byte, error) {
	r, err := b.send(c)
	if err == nil && !r.SW.OK() && r.SW>>8 != 0x91 {
		err = fmt.Errorf("%s answers %04X", name, int(r.SW))
	}
	return r.Data, err
}

// wrote sees every persistent write of the card, and keeps the memory from before one that is to be torn.
func (b *bench) wrote(n int) {
	b.onWrite(n)
	if b.tear != nil && b.card.NVM().Writes()-b.from < b.tear.Write {
		b.before = b.card.NVM().Snapshot()
	}
}

// arm sets the faults of a step, to be counted from now.
func (b *bench) arm(faults []Fault) {
	b.from, b.armed, b.tear = b.card.NVM().Writes(), true, nil
	for i, f := range faults {
		switch f.Kind {
		case "cut":
			b.card.NVM().CutAt(f.Write, f.After)
		case "fail":
			b.card.NVM().FailAt(f.Write)
		case "torn":
			b.tear, b.before = &faults[i], b.card.NVM().Snapshot()
			b.card.NVM().CutAt(f.Write, true)
		}
	}
}

// disarm takes them back; a fault that did not happen is an error of the scenario.
func (b *bench) disarm(faults []Fault) error {
	b.writes = 0
	if b.armed {
		b.writes = b.card.NVM().Writes() - b.from
	}
	b.armed = false
	b.card.NVM().CutAt(0, false)
	b.card.NVM().FailAt(0)
	lost := !b.powered
	for _, f := range faults {
		switch {
		case b.lenient:
		case f.Kind == "fail" && b.writes < f.Write:
			return fmt.Errorf("the step has %d persistent writes, none is refused", b.writes)
		case f.Kind != "fail" && !lost:
			return fmt.Errorf("the step has %d persistent writes, the power is not cut", b.writes)
		}
	}
	if tear := b.tear; tear != nil {
		b.tear = nil
		return b.rip(tear.Bytes)
	}
	return nil
}

// rip leaves the file of the last write half-written: its first n bytes are new.
func (b *bench) rip(n int) error {
	now := b.card.NVM().Snapshot()
	for key, v := range now {
		old := b.before[key]
		if !strings.HasPrefix(key, "file/") || bytes.Equal(v, old) {
			continue
		}
		if old == nil {
			img := b.card.Image()
			old = img.File(strings.TrimPrefix(key, "file/")).Content
		}
		if len(old) != len(v) || n >= len(v) {
			return fmt.Errorf("%s has %d bytes, it cannot be torn after %d", key, len(v), n)
		}
		return b.card.NVM().PutNow(key, append(bytes.Clone(v[:n]), old[n:]...))
	}
	return errors.New("the write is none of a file, it cannot be torn")
}
