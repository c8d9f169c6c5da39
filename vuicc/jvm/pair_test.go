package jvm_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"strings"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/bindapp"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/jvm"
	"github.com/simbind/simbind/vuicc/plug"
)

// Two cards of one image, the model in one and the Java applet in the other, live the same life: after every step everything
// that can be seen of them must be the same.

// side is one of the two cards, and what was said to it in the step under way.
type side struct {
	name    string
	card    *vuicc.Card
	applet  plug.Applet
	said    []string
	seen    string      // by the last look
	before  string      // by the look before it
	session *gp.Session // on channel 1, for looking
	working *gp.Session // on channel 0, for changing
	fault   *fault      // that is to strike
	fetched []byte      // the proactive command fetched last
	dress   func(fcp []byte) []byte
}

// checker is what a test and a rapid test have in common.
type checker interface {
	Helper()
	Fatalf(format string, args ...any)
}

type pair [2]*side

func newPair(t checker, m *jvm.Machine, name string, application []byte, alter ...func(*image.Applet)) pair {
	t.Helper()
	var p pair
	for i := range p {
		img, err := image.Get(name)
		if err != nil {
			t.Fatalf("%v", err)
		}
		s := &side{name: []string{"model", "Java"}[i]}
		opts := []vuicc.Option{vuicc.WithRand(rand.New(rand.NewSource(1)))}
		row := &img.Applets[0]
		row.Application = append(bytes.Clone(row.Application), application...)
		for _, f := range alter {
			f(row)
		}
		create := []plug.New{bindapp.New, m.Applet(classes.applet, jvm.BindingClass)}[i]
		opts = append(opts, vuicc.WithModule(row.Module, func(env plug.Env) plug.Applet {
			s.applet = create(lent{env, s})
			return s.applet
		}))
		if s.card, err = vuicc.New(img, opts...); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		p[i] = s
	}
	return p
}

var errMute = errors.New("mute")

// Transmit implements apdu.Transmitter over channel 0, with the T=0 manner done.
func (s *side) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	r, err := apdu.WithGetResponse(apdu.TransmitterFunc(s.exchange), s.card.T0()).Transmit(ctx, c)
	if !apdu.SecureMessaging(c.CLA) && c.INS != apdu.INSInitializeUpdate { // cryptograms differ
		s.note(fmt.Sprintf("%X %X: %X", c.Header(), c.Data, r.Bytes()), err)
	}
	return r, err
}

func (s *side) exchange(_ context.Context, c apdu.Command) (apdu.Response, error) {
	raw, err := c.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	out, err := s.card.Process(raw)
	if err != nil {
		return apdu.Response{}, errMute
	}
	return apdu.ParseResponse(out)
}

// Reset is what the terminal does for REFRESH 04.
func (s *side) Reset(context.Context, bool) error {
	s.session, s.working = nil, nil
	s.said = append(s.said, "reset")
	_, err := s.card.Reset()
	return err
}

func (s *side) powerOn() {
	s.session, s.working = nil, nil
	_, err := s.card.PowerOn()
	s.note("power on", err)
}

func (s *side) note(what string, err error) {
	if err != nil {
		what += ": " + err.Error()
	}
	s.said = append(s.said, what)
}

// say sends bytes that need not be a command.
func (s *side) say(raw []byte) apdu.SW {
	out, err := s.card.Process(raw)
	s.said = append(s.said, fmt.Sprintf("%X: %X", raw, out))
	if err != nil {
		s.note("", err)
		return 0
	}
	r, err := apdu.ParseResponse(out)
	if err != nil {
		s.note("", err)
	}
	return r.SW
}

// onChannel moves commands to a logical channel.
func (s *side) onChannel(n int) apdu.Transmitter {
	return apdu.TransmitterFunc(func(ctx context.Context, c apdu.Command) (apdu.Response, error) {
		var err error
		if c.CLA, err = apdu.WithChannel(c.CLA, n); err != nil {
			return apdu.Response{}, err
		}
		return s.Transmit(ctx, c)
	})
}

// open selects the applet on a channel and opens a session.
func (s *side) open(channel int, level gp.Level) (*gp.Session, error) {
	ctx := context.Background()
	if channel > 0 {
		if _, err := s.Transmit(ctx, apdu.Command{INS: apdu.INSManageChannel, P1: 0x80, P2: byte(channel)}); err != nil {
			return nil, err
		}
		if r, err := s.Transmit(ctx, apdu.Command{INS: apdu.INSManageChannel, Le: 1}); err != nil || len(r.Data) != 1 || int(r.Data[0]) != channel {
			return nil, fmt.Errorf("channel %d: %X, %w", channel, r.Data, err)
		}
	}
	on := s.onChannel(channel)
	if _, err := apdu.Do(ctx, on, "SELECT", binding.SelectApplet(binding.DefaultAID)); err != nil {
		return nil, err
	}
	keys := gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
	return gp.Open(ctx, s, keys, gp.Options{Level: level, Channel: channel, AID: binding.DefaultAID})
}

// store sends a template in blocks under a session of its own.
func (s *side) store(template []byte, level gp.Level, most int) apdu.SW {
	if s.working == nil || s.working.Level() != level {
		var err error
		if s.working, err = s.open(0, level); err != nil {
			s.working = nil
			s.note("session", err)
			return 0
		}
	}
	var sw apdu.SW
	for _, c := range binding.StoreData(template, most) {
		r, err := s.working.Transmit(context.Background(), c)
		if err != nil {
			s.working = nil
			s.note("STORE DATA", err)
			return 0
		}
		if sw = r.SW; !sw.OK() {
			break
		}
	}
	s.note(fmt.Sprintf("stored %X: %s", template, sw.String()), nil)
	return sw
}

// look gives everything that can be seen: E3, E1 open and full, E0, E4, and every file.
func (s *side) look() (string, error) {
	if s.session == nil {
		var err error
		if s.session, err = s.open(1, gp.LevelCMAC); err != nil {
			return "", err
		}
	}
	var out strings.Builder
	for _, tag := range []byte{0xE3, 0xE1} {
		r, err := s.onChannel(1).Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P2: tag, Le: 256})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "open %X\n", r.Data)
	}
	for _, tag := range []byte{0xE0, 0xE1, 0xE4} {
		if err := s.lookAt(&out, tag); err != nil {
			return "", err
		}
	}
	for _, f := range s.card.Files() {
		fmt.Fprintf(&out, "%s %X\n", f.Path, f.Content)
	}
	return out.String(), nil
}

func (s *side) lookAt(out *strings.Builder, tag byte) error {
	fmt.Fprintf(out, "%X ", tag)
	for part := byte(0); ; part++ {
		r, err := s.session.Transmit(context.Background(), apdu.Command{CLA: 0x80, INS: apdu.INSGetData, P1: part, P2: tag, Le: 256})
		if err != nil {
			return err
		}
		if !r.SW.OK() {
			fmt.Fprintf(out, "%s\n", r.SW.String())
			return nil
		}
		fmt.Fprintf(out, "%X ", r.Data)
	}
}

// both lets one thing happen to both cards and compares.
func (p pair) both(t checker, what string, do func(s *side)) {
	t.Helper()
	p.alike(t, what, do)
	p.alike(t, what+", looking", func(s *side) {
		seen, err := s.look()
		s.said = append(s.said, seen)
		s.before, s.seen = s.seen, seen
		s.note("looked", err)
	})
}

func (p pair) alike(t checker, what string, do func(s *side)) {
	t.Helper()
	for _, s := range p {
		s.said = nil
		do(s)
	}
	if a, b := p[0].said, p[1].said; strings.Join(a, "\n") != strings.Join(b, "\n") {
		t.Fatalf("%s:\n%s\nbefore it, in both:\n%s\nmodel:\n%s", what, difference(a, b), p[0].before, strings.Join(a, "\n"))
	}
}

// difference shows the first line that differs, and the line before it.
func difference(model, java []string) string {
	a, b := strings.Split(strings.Join(model, "\n"), "\n"), strings.Split(strings.Join(java, "\n"), "\n")
	for i := 0; ; i++ {
		at := func(lines []string) string {
			if i < len(lines) {
				return lines[i]
			}
			return "nothing more"
		}
		if at(a) == at(b) && i < len(a) && i < len(b) {
			continue
		}
		before := ""
		if i > 0 {
			before = a[i-1]
		}
		return fmt.Sprintf("both:  %s\nmodel: %s\nJava:  %s", before, at(a), at(b))
	}
}

// sound wants nothing remarked by the runtime.
func sound(t checker, m *jvm.Machine) {
	t.Helper()
	if r := m.Remarks(); len(r) > 0 || m.Err() != nil {
		t.Fatalf("remarks %q, %v", r, m.Err())
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err) // the tables of the tests are constants
	}
	return b
}
