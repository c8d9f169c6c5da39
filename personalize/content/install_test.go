package content_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/standin"
)

// planned plans an installation and lets the session go.
func (r *rig) planned(w content.InstallWish) (plan *content.Install, err error) {
	err = r.with(mock.Faults{}, func(run *personalize.Run) error {
		p, d, err := content.PlanInstall(ctx, run, w)
		if err == nil {
			plan = p
			d.Close()
		}
		return err
	})
	return plan, err
}

// TestBlocksAreFull: LOAD carries as much as level and card allow; a 4 kB applet is loaded and installed in 22 commands, session included.
func TestBlocksAreFull(t *testing.T) {
	file := capOf(t, standin.Options{Size: 4096})
	for _, row := range []struct {
		image    string
		level    gp.Level
		most     int // the card's limit; 0: 255
		block    int
		commands int // session, registry left out, and installation
	}{
		{"no-applet-t1", gp.LevelCMAC, 0, 247, 22},
		{"no-applet", gp.LevelCMAC, 0, 247, 22},
		{"no-applet-t1", gp.LevelCMAC | gp.LevelCDecryption, 0, 239, 23},
		{"no-applet", gp.LevelCMAC | gp.LevelCDecryption, 0, 239, 23},
		{"no-applet-t1", gp.LevelCMAC, 128, 120, 40},
		{"no-applet-t1", gp.LevelCMAC | gp.LevelCDecryption, 128, 111, 42},
	} {
		name := fmt.Sprintf("%s %02X %d", row.image, byte(row.level), row.most)
		r := newRig(t, row.image, func(i *image.Image) { i.Domain.MaxData = row.most })
		r.do(func(run *personalize.Run) error {
			run.Level = row.level
			plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: file})
			if err != nil {
				return err
			}
			loads := 0
			for _, s := range plan.Steps {
				if s.Command.INS != apdu.INSLoad {
					continue
				}
				loads++
				if last := s.Command.P1&0x80 != 0; !last && len(s.Command.Data) != row.block {
					t.Errorf("%s: %s has %d bytes, want %d", name, s.Name, len(s.Command.Data), row.block)
				}
			}
			if want := (4096 + 4 + row.block - 1) / row.block; loads != want {
				t.Errorf("%s: %d blocks, want %d", name, loads, want)
			}
			_, err = plan.Apply(ctx, d)
			return err
		})
		if n := r.apdus("session", "install"); n != row.commands {
			t.Errorf("%s: %d commands, want %d: %+v", name, n, row.commands, r.counter.Phases())
		}
	}
}

// TestDescriptor is left out unless asked for; a hash the card compares is of what is loaded.
func TestDescriptor(t *testing.T) {
	file := capOf(t, standin.Options{})
	for _, with := range []bool{false, true} {
		r := newRig(t, "no-applet-t1")
		size := 0
		r.do(func(run *personalize.Run) error {
			h, err := file.Hash(with, 5) // SHA-256
			if err != nil {
				t.Fatal(err)
			}
			plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: file, Descriptor: with, Hash: h.Sum})
			if err != nil {
				return err
			}
			for _, s := range plan.Steps {
				if s.Command.INS == apdu.INSLoad {
					size += len(s.Command.Data)
				}
			}
			_, err = plan.Apply(ctx, d)
			return err
		})
		if want := len(file.LoadFile(with)) + 4; size != want {
			t.Errorf("descriptor %v: %d bytes loaded, want %d", with, size, want)
		}
	}
	if len(file.LoadFile(true)) == len(file.LoadFile(false)) {
		t.Error("the file has no Descriptor to leave out")
	}
	r := newRig(t, "no-applet-t1")
	if err := r.with(mock.Faults{}, func(run *personalize.Run) error {
		plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: file, Hash: make([]byte, 32)})
		if err != nil {
			return err
		}
		_, err = plan.Apply(ctx, d)
		return err
	}); !errors.Is(err, apdu.SWWrongData) || !strings.Contains(err.Error(), "LOAD block 18 of 18") {
		t.Errorf("another hash: %v", err)
	}
}

// TestInstallRefused before anything is written: what the card's memory, registry and files say.
func TestInstallRefused(t *testing.T) {
	file := capOf(t, standin.Options{})
	other := capOf(t, standin.Options{Package: []byte("\xF0SIMOTHR"), Module: []byte("\xF0SIMBIND\x01")})
	ready := func(change ...func(*image.Image)) *rig { return newRig(t, "no-applet", change...) }
	having := func(modules ...string) *capfile.File {
		f := *file
		f.Applets = nil
		for _, m := range modules {
			f.Applets = append(f.Applets, capfile.Applet{AID: []byte(m), Install: 1})
		}
		return &f
	}
	installed := ready()
	installed.do(installed.install)
	for _, row := range []struct {
		name string
		rig  *rig
		wish content.InstallWish
		say  string
	}{
		{"memory", ready(func(i *image.Image) { i.Domain.NonVolatile = 4095 }), content.InstallWish{CAP: file}, "the load file has 4096 bytes, the card has 4095 bytes free"},
		{"memory of the instance", ready(func(i *image.Image) { i.Domain.NonVolatile = 4200 }), content.InstallWish{CAP: file, Quota: &gp.Quota{NonVolatile: 105}}, "load file and instance take 4201 bytes, the card has 4200 bytes free"},
		{"volatile memory", ready(), content.InstallWish{CAP: file, Quota: &gp.Quota{Volatile: 60000}}, "takes 60000 bytes of volatile memory"},
		{"library", ready(), content.InstallWish{CAP: having()}, "it has no applet"},
		{"several applets", ready(), content.InstallWish{CAP: having("\xF0TWOAPPLETS\x01", "\xF0TWOAPPLETS\x02")}, "none was named: F054574F4150504C45545301, F054574F4150504C45545302"},
		{"module", ready(), content.InstallWish{CAP: file, Module: []byte("\xF0SIMBIND\x02")}, "the CAP file has no applet"},
		{"same instance", installed, content.InstallWish{CAP: other}, "an application with this AID is on the card, from the load file F053494D42494E44"},
		{"EF_IMSI", ready(never), content.InstallWish{CAP: file}, "EF_IMSI may never be read or updated on this card"},
		{"another card", ready(), content.InstallWish{CAP: file, Expected: personalize.Expected{ICCID: "8988211000000467343"}}, "expected 898821***7343"},
	} {
		before := row.rig.chip.Counters().Writes
		if _, err := row.rig.planned(row.wish); err == nil || !strings.Contains(err.Error(), row.say) {
			t.Errorf("%s: %v", row.name, err)
		}
		// SCP02 counts a session in two writes, which is the card's own business.
		if n := row.rig.chip.Counters().Writes - before; n > 4 {
			t.Errorf("%s: %d writes", row.name, n)
		}
	}
}

// never makes EF_IMSI of the card one that nobody may update.
func never(i *image.Image) {
	for n := range i.Files {
		if i.Files[n].FID == 0x6F07 {
			i.Files[n].Rule = i.File("3F00/2FE2").Rule
		}
	}
}

// TestMissingImport is told by the card at the last LOAD, in words; nothing stays on it.
func TestMissingImport(t *testing.T) {
	r := newRig(t, "no-applet")
	file := capOf(t, standin.Options{Imports: []standin.Import{{AID: []byte("\xA0\x00\x00\x00\x87\x10\x05"), Major: 1}}})
	err := r.with(mock.Faults{}, func(run *personalize.Run) error {
		plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: file})
		if err != nil {
			return err
		}
		_, err = plan.Apply(ctx, d)
		return err
	})
	var refused *gp.ContentError
	if !errors.As(err, &refused) || refused.SW != 0x6438 || !strings.Contains(err.Error(), "a package that the load file imports is missing on the card, or too old") {
		t.Errorf("%v", err)
	}
	r.do(func(run *personalize.Run) error {
		list, err := content.List(ctx, run, personalize.Expected{})
		if len(list.LoadFiles) != 0 {
			t.Errorf("%+v", list.LoadFiles)
		}
		return err
	})
}

// TestVersions: another version of the load file is in the way, and an older import is refused before the first LOAD.
func TestVersions(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	r.do(r.install)
	newer := capOf(t, standin.Options{})
	newer.Package.Version.Minor = 1
	var conflict *content.ConflictError
	if _, err := r.planned(content.InstallWish{CAP: newer, Instance: []byte("\xF0SIMBIND\x05")}); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "in version 1.0, the CAP file has 1.1") {
		t.Errorf("another version: %v", err)
	}
	importing := capOf(t, standin.Options{Package: []byte("\xF0SIMOTHR"), Module: []byte("\xF0SIMOTHR\x01"), Imports: []standin.Import{{AID: newer.Package.AID, Major: 1, Minor: 3}}})
	if _, err := r.planned(content.InstallWish{CAP: importing}); err == nil || !strings.Contains(err.Error(), "1.3, the card has version 1.0 of it") {
		t.Errorf("an older import: %v", err)
	}
}

// TestHalfInstalled: a refused INSTALL says that the load file is on the card; the next run goes on from there.
func TestHalfInstalled(t *testing.T) {
	r := newRig(t, "no-applet")
	err := r.with(mock.Faults{}, func(run *personalize.Run) error {
		plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: capOf(t, standin.Options{}), Parameters: []byte{0xEA, 0x00}})
		if err != nil {
			return err
		}
		_, err = plan.Apply(ctx, d)
		return err
	})
	var half *content.HalfInstalledError
	if !errors.As(err, &half) || !errors.Is(err, apdu.SWWrongData) || !strings.Contains(err.Error(), "the load file F053494D42494E44 is on the card") {
		t.Fatalf("%v", err)
	}
	r.do(r.install)
	if n := r.apdus("install"); n != 1 {
		t.Errorf("%d commands: the load file was loaded again", n)
	}
}

// TestOldCards get their toolkit parameters in the SIM form.
func TestOldCards(t *testing.T) {
	r := newRig(t, "no-applet")
	plan, err := r.planned(content.InstallWish{CAP: capOf(t, standin.Options{}), SIM: true})
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{0xC9, 0x12, 0x81, 0x10}, plan.Access.USIM...)
	want = append(want, 0xEF, 0x0E, 0xCA, 0x0C, 0x04, 0x02, 0x01, 0x01, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00)
	if !bytes.Equal(plan.Instance.Parameters, want) {
		t.Errorf("parameters %X\nwant %X", plan.Instance.Parameters, want)
	}
}

// TestUICCParameters, written out by hand: C9 with the full AID of EF_DIR, priority 1, one timer, PIN1 and ADM1 for MF and ADF.USIM.
func TestUICCParameters(t *testing.T) {
	r := newRig(t, "no-applet")
	plan, err := r.planned(content.InstallWish{CAP: capOf(t, standin.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	aid := []byte{0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x07, 0x09, 0x00, 0x00}
	want := append([]byte{0xC9, 0x12, 0x81, 0x10}, aid...)
	want = append(want, 0xEA, 0x2A, 0x80, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00)
	want = append(want, 0x81, 0x1E, 0x00, 0x04, 0x02, 0x01, 0x01, 0x00, 0x00, 0x10)
	want = append(append(want, aid...), 0x04, 0x02, 0x01, 0x01, 0x00, 0x00)
	if !bytes.Equal(plan.Instance.Parameters, want) {
		t.Errorf("parameters %X\nwant %X", plan.Instance.Parameters, want)
	}
}

// unselectable is a card on which the applet answers something else, once it was installed.
type unselectable struct {
	personalize.Card
	installed bool
	answer    apdu.Response
	err       error
}

func (c *unselectable) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	c.installed = c.installed || cmd.INS == apdu.INSInstall && cmd.P1 == 0x0C
	if c.installed && cmd.INS == apdu.INSSelect && cmd.P1 == 0x04 && bytes.Equal(cmd.Data, binding.DefaultAID) {
		return c.answer, c.err
	}
	return c.Card.Transmit(ctx, cmd)
}

// TestInstalledButNotSelectable: after the installation nothing says that the card was left as it was, or that another try is all it takes.
func TestInstalledButNotSelectable(t *testing.T) {
	for name, row := range map[string]struct {
		answer apdu.Response
		err    error
		doubt  bool
	}{
		"no such application": {answer: apdu.Response{SW: apdu.SWFileNotFound}},
		"no diagnosis":        {answer: apdu.Response{SW: apdu.SWNoDiagnosis}},
		"nonsense":            {answer: apdu.Response{Data: []byte{1, 2, 3}, SW: apdu.SWOK}},
		"no answer":           {err: &pcsc.Error{Op: "transmit", Err: pcsc.ErrRemoved}, doubt: true},
	} {
		r := newRig(t, "no-applet-t1")
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			run.Card = &unselectable{Card: run.Card, answer: row.answer, err: row.err}
			return r.install(run)
		})
		if errors.As(err, new(*personalize.InDoubtError)) != row.doubt || errors.As(err, new(*personalize.VerifyError)) == row.doubt {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
}

// TestNoSecondInstance: what one applet writes to EF_IMSI when it denies would be the subscriber's IMSI to the other.
func TestNoSecondInstance(t *testing.T) {
	second := append(bytes.Clone(binding.DefaultPackageAID), 0x02)
	for name, o := range map[string]standin.Options{
		"same load file":    {},
		"another load file": {Package: []byte{0xD2, 0x76, 0, 0, 0x85, 1}, Module: binding.DefaultAID},
	} {
		r := newRig(t, "no-applet-t1")
		r.do(r.install)
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			_, _, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: capOf(t, o), Instance: second})
			return err
		})
		var conflict *content.ConflictError
		if !errors.As(err, &conflict) || !bytes.Equal(conflict.AID, binding.DefaultAID) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
