package content_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/standin"
)

// stage is one verb in a card's life, and how it looks when nothing was left to do.
type stage struct {
	name string
	work func(*rig) func(*personalize.Run) error
	// settle is what the person does between two runs, once one of them said done.
	settle func(*rig)
}

// errNothing is a run that found the card as wanted.
var errNothing = errors.New("already as wanted")

func (r *rig) install(run *personalize.Run) error {
	plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: capOf(r.t, standin.Options{})})
	if err != nil {
		return err
	}
	if _, err := plan.Apply(ctx, d); err != nil {
		return err
	}
	if plan.AsWanted() {
		return errNothing
	}
	return nil
}

func (r *rig) personalize(run *personalize.Run) error {
	plan, err := run.Plan(ctx, func(uicc.ICCID) (personalize.Wish, error) {
		return personalize.Wish{Configuration: binding.DefaultConfiguration(binding.FirstInsert)}, nil
	})
	if err != nil {
		return err
	}
	if _, err := run.Apply(ctx, plan); err != nil {
		return err
	}
	if plan.AsWanted() {
		return errNothing
	}
	return nil
}

// masters of another set: AES-256, the card's own keys derived.
func masters(kvn byte) gp.KeySet {
	key := func(b byte) secret.Bytes { return secret.New(bytes.Repeat([]byte{b}, 32)) }
	return gp.KeySet{KVN: kvn, ENC: key(0x21), MAC: key(0x43), DEK: key(0x65), Diversification: gp.KDF3}
}

func (r *rig) rotateTo(set gp.KeySet) func(*personalize.Run) error {
	return func(run *personalize.Run) error {
		plan, d, err := content.PlanKeys(ctx, run, content.KeyWish{Replace: r.keys.KVN, New: func(string) (gp.KeySet, gp.KeyKind, error) { return copied(set), 0, nil }})
		if err != nil {
			return err
		}
		if plan.AsWanted() {
			d.Close()
			return errNothing
		}
		return plan.Apply(ctx, d)
	}
}

func (r *rig) remove(run *personalize.Run) error {
	plan, err := content.PlanRemoval(ctx, run, content.RemovalWish{LoadFile: binding.DefaultPackageAID})
	if err != nil {
		return err
	}
	if plan.AsWanted() {
		return errNothing
	}
	_, err = plan.Apply(ctx, run)
	return err
}

// life is the whole of it; the keys change to another version, then under the same one.
var life = []stage{
	{"install", func(r *rig) func(*personalize.Run) error { return r.install }, nil},
	{"personalize", func(r *rig) func(*personalize.Run) error { return r.personalize }, nil},
	{"rotate", func(r *rig) func(*personalize.Run) error { return r.rotateTo(masters(0x31)) }, func(r *rig) { r.keys = masters(0x31) }},
	{"rotate in place", func(r *rig) func(*personalize.Run) error { return r.rotateTo(inPlace()) }, func(r *rig) { r.keys = inPlace() }},
	{"remove", func(r *rig) func(*personalize.Run) error { return r.remove }, nil},
}

// inPlace is another set under the version of masters(31).
func inPlace() gp.KeySet {
	s := masters(0x31)
	s.ENC, s.MAC = s.MAC, s.ENC
	return s
}

func (r *rig) settle(s stage) {
	if s.settle != nil {
		s.settle(r)
	}
}

// TestWholeLife: from a card of the maker to a personalized one, to other keys, and back; every stage a second time finds nothing to do.
func TestWholeLife(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	before := r.imsi()
	for _, s := range life {
		r.do(s.work(r))
		if err := r.with(mock.Faults{}, s.work(r)); err != errNothing {
			t.Errorf("%s again: %v", s.name, err)
		}
		r.settle(s)
	}
	if !bytes.Equal(r.imsi(), before) || r.chip.FailuresOf(0x31) != 0 {
		t.Errorf("EF_IMSI %X, was %X; %d failures", r.imsi(), before, r.chip.FailuresOf(0x31))
	}
	r.do(func(run *personalize.Run) error {
		list, err := content.List(ctx, run, personalize.Expected{})
		if len(list.Applications) != 0 || len(list.LoadFiles) != 0 {
			t.Errorf("left on the card: %+v", list)
		}
		return err
	})
	if n := r.apdus(); n != 7 {
		t.Errorf("the registry took %d commands", n)
	}
}

// TestS16: a card with 16-byte challenges and MACs is met half way, at every level; blocks are smaller.
func TestS16(t *testing.T) {
	for level, block := range map[gp.Level]int{gp.LevelCMAC: 239, gp.LevelCMAC | gp.LevelCDecryption: 223, 0x33: 223} {
		r := newRig(t, "no-applet-t1", func(i *image.Image) { i.Domain.Keys[0].I = 0x71 })
		r.do(func(run *personalize.Run) error {
			run.Level = level
			plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: capOf(t, standin.Options{})})
			if err != nil {
				return err
			}
			if n := len(plan.Steps[1].Command.Data); n != block {
				t.Errorf("level %02X: blocks of %d bytes, want %d", byte(level), n, block)
			}
			_, err = plan.Apply(ctx, d)
			return err
		})
		r.do(r.personalize)
	}
}

// TestRegistryPages: a registry of several pages is read whole, on T=1, on T=0, and on a T=0 card that says 6310 before its data.
func TestRegistryPages(t *testing.T) {
	for name, first := range map[string]bool{"no-applet-t1": false, "no-applet": false, "no-applet 6310 first": true} {
		r := newRig(t, strings.Fields(name)[0], func(i *image.Image) { i.Domain.MoreDataFirst = first })
		const more = 9
		r.do(r.install)
		r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
			var steps []content.Step
			for n := range byte(more) {
				i := gp.Instance{LoadFile: binding.DefaultPackageAID, Module: binding.DefaultAID, AID: append(bytes.Clone(binding.DefaultAID), n), Privileges: []byte{0}, Parameters: []byte{0xC9, 0x00}}
				c, err := gp.InstallForInstall(i, true)
				if err != nil {
					return err
				}
				steps = append(steps, content.Step{Name: "INSTALL", Command: c})
			}
			_, err := d.Do(ctx, steps)
			return err
		})
		r.do(func(run *personalize.Run) error {
			list, err := content.List(ctx, run, personalize.Expected{})
			if len(list.Applications) != 1+more || len(list.LoadFiles) != 1 || !bytes.Equal(list.Applications[more].AID, append(bytes.Clone(binding.DefaultAID), more-1)) {
				t.Errorf("%s: %d applications, %d load files", name, len(list.Applications), len(list.LoadFiles))
			}
			return err
		})
		if n := r.apdus("registry"); n <= 3 {
			t.Errorf("%s: the registry came in %d commands: there was no second page", name, n)
		}
	}
}

// iccid of the card in a run.
func (r *rig) iccid(run *personalize.Run) string {
	r.t.Helper()
	id, err := run.Known(ctx, personalize.Expected{})
	if err != nil {
		r.t.Fatal(err)
	}
	return id.String()
}

// imsi is what EF_IMSI of ADF.USIM holds.
func (r *rig) imsi() []byte {
	for _, f := range r.chip.Files() {
		if f.Path == "ADF1/6F07" {
			return f.Content
		}
	}
	r.t.Fatal("no EF_IMSI")
	return nil
}

// TestCutAtEveryCommand: at every command of every stage the card is pulled before it, and after it was carried out. The next run reaches
// the same end; nothing is lost, and no key is tried in vain.
func TestCutAtEveryCommand(t *testing.T) {
	for at, s := range life {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			n := 1
			for ; cutAt(t, at, n); n++ {
			}
			t.Logf("%d commands", n-1)
			if n < 8 {
				t.Errorf("%d commands were cut", n)
			}
		})
	}
}

// cutAt cuts stage at at its command n, in both ways; false: the stage has no such command.
func cutAt(t *testing.T, at, n int) bool {
	for _, f := range []mock.Faults{{RemoveAt: n}, {LoseAt: n}} {
		r := newRig(t, "no-applet-t1")
		before := r.imsi()
		for _, s := range life[:at] {
			r.do(s.work(r))
			r.settle(s)
		}
		err := r.with(f, life[at].work(r))
		if err == nil {
			return false
		}
		if !errors.Is(err, pcsc.ErrRemoved) {
			t.Fatalf("%+v: %v", f, err)
		}
		finish(t, r, life[at], fmt.Sprintf("%+v after %v", f, err))
		r.settle(life[at])
		for _, s := range life[at+1:] {
			r.do(s.work(r))
			r.settle(s)
		}
		if !bytes.Equal(r.imsi(), before) || r.chip.FailuresOf(0x30) > 0 || r.chip.FailuresOf(0x31) > 0 {
			t.Errorf("%+v: EF_IMSI %X, was %X; failures %d, %d", f, r.imsi(), before, r.chip.FailuresOf(0x30), r.chip.FailuresOf(0x31))
		}
	}
	return true
}

// finish is the run after a cut: done, or nothing left to do.
func finish(t *testing.T, r *rig, s stage, what string) {
	t.Helper()
	if err := r.with(mock.Faults{}, s.work(r)); err != nil && err != errNothing {
		t.Fatalf("%s: %s: the next run: %v", s.name, what, err)
	}
	if err := r.with(mock.Faults{}, s.work(r)); err != errNothing {
		t.Errorf("%s: %s: the run after that: %v", s.name, what, err)
	}
}
