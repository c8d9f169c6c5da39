package content_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/vuicc/standin"
)

// hiding is a card whose binding applet answers no SELECT, and whose EF_IMSI shows content instead of its own when that is not nil.
type hiding struct {
	personalize.Card
	content []byte
}

func (c hiding) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	if cmd.INS == apdu.INSSelect && bytes.Equal(cmd.Data, binding.DefaultAID) {
		return apdu.Response{SW: apdu.SWFileNotFound}, nil
	}
	r, err := c.Card.Transmit(ctx, cmd)
	if cmd.INS == 0xB0 && len(r.Data) == 9 && c.content != nil {
		r.Data = c.content
	}
	return r, err
}

// TestRemovalLooksAtIMSI: an installed applet that cannot be selected is deleted only when EF_IMSI holds an IMSI.
func TestRemovalLooksAtIMSI(t *testing.T) {
	for _, row := range []struct {
		name    string
		content []byte
		allowed bool
	}{{"the subscriber's IMSI", nil, true}, {"the denial value", binding.DefaultDenial[:], false}} {
		r := newRig(t, "no-applet-t1")
		r.do(r.install)
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			run.Card = hiding{run.Card, row.content}
			plan, err := content.PlanRemoval(ctx, run, content.RemovalWish{LoadFile: binding.DefaultPackageAID})
			if err == nil && len(plan.Steps) != 1 {
				t.Errorf("%s: %+v", row.name, plan)
			}
			return err
		})
		if (err == nil) != row.allowed {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestLockedAppletIsNotRemoved, whatever EF_IMSI holds: it could not restore it.
func TestLockedAppletIsNotRemoved(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	r.do(r.install)
	r.do(r.personalize)
	r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
		steps, err := d.PlanLock(ctx, binding.DefaultAID)
		if err != nil {
			return err
		}
		_, err = d.Do(ctx, steps)
		return err
	})
	var conflict *content.ConflictError
	if err := r.with(mock.Faults{}, r.remove); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "unlock it first") {
		t.Errorf("%v", err)
	}
}

// untold is a card whose registry does not tell the load file of an application (tag C4).
type untold struct{ personalize.Card }

func (c untold) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	r, err := c.Card.Transmit(ctx, cmd)
	if err != nil || cmd.INS != 0xF2 || cmd.P1 != byte(gp.Applications) {
		return r, err
	}
	templates, err := tlv.Parse(r.Data)
	if err != nil {
		return r, err
	}
	r.Data = nil
	for _, t := range templates {
		objects, err := tlv.Parse(t.Value)
		if err != nil {
			return r, err
		}
		var kept []byte
		for _, o := range objects {
			if o.Tag != 0xC4 {
				kept = tlv.Append(kept, o.Tag, o.Value)
			}
		}
		r.Data = tlv.Append(r.Data, t.Tag, kept)
	}
	return r, nil
}

// TestBindingAppletIsKnown, also when the card does not tell what it was made from, and when it is not the instance that was named.
func TestBindingAppletIsKnown(t *testing.T) {
	other := append(bytes.Clone(binding.DefaultPackageAID), 0x09)
	for name, hide := range map[string]func(personalize.Card) personalize.Card{
		"told":   func(c personalize.Card) personalize.Card { return c },
		"untold": func(c personalize.Card) personalize.Card { return untold{c} },
	} {
		r := newRig(t, "no-applet-t1")
		r.do(r.install)
		r.opened(func(run *personalize.Run) { run.Card, run.AID = hide(run.Card), other }, func(d *content.Domain) error {
			for _, aid := range [][]byte{binding.DefaultPackageAID, binding.DefaultAID} {
				var refused *content.BindingAppletError
				if _, err := d.PlanDelete(ctx, aid, true, false); !errors.As(err, &refused) || !bytes.Equal(refused.AID, binding.DefaultAID) {
					t.Errorf("%s: deletion of %X: %v", name, aid, err)
				}
			}
			return nil
		})
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			run.Card, run.AID = hide(run.Card), other
			_, err := content.PlanRemoval(ctx, run, content.RemovalWish{LoadFile: binding.DefaultPackageAID})
			return err
		})
		if !errors.As(err, new(*content.ConflictError)) {
			t.Errorf("%s: removal of another instance: %v", name, err)
		}
	}
}

// another puts a second instance of the applet on the card, by the verb that installs anything.
func (r *rig) another(aid []byte) {
	r.t.Helper()
	r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
		parameters, err := gp.InstallParameters{Toolkit: &gp.Toolkit{Priority: 1, Timers: 1}}.Encode()
		if err != nil {
			return err
		}
		i := gp.Instance{LoadFile: binding.DefaultPackageAID, Module: binding.DefaultAID, AID: aid, Privileges: []byte{0}, Parameters: parameters}
		steps, err := d.PlanInstance(ctx, i, true)
		if err != nil {
			return err
		}
		_, err = d.Do(ctx, steps)
		return err
	})
}

// TestOneOfTwoInstances: one that is named goes alone, and the load file with the last. That of the longer AID answers to the shorter one, too.
func TestOneOfTwoInstances(t *testing.T) {
	for _, second := range [][]byte{append(bytes.Clone(binding.DefaultPackageAID), 0x02), append(bytes.Clone(binding.DefaultAID), 0x02)} {
		r := newRig(t, "no-applet-t1")
		r.do(r.install)
		r.another(second)
		for _, aid := range [][]byte{binding.DefaultAID, second} {
			r.do(func(run *personalize.Run) error {
				run.AID = aid
				return r.remove(run)
			})
		}
		r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
			list, err := d.List(ctx)
			if len(list.Applications) != 0 || len(list.LoadFiles) != 0 {
				t.Errorf("%X: left: %+v", second, list)
			}
			return err
		})
	}
}

// TestLoadFileOfTheApplet: what goes is the load file the card says the applet was made from, whatever its AID, and no other.
func TestLoadFileOfTheApplet(t *testing.T) {
	o := standin.Options{Package: []byte{0xD2, 0x76, 0, 0, 0x85, 1}, Module: binding.DefaultAID}
	r := newRig(t, "no-applet-t1")
	r.do(func(run *personalize.Run) error {
		plan, d, err := content.PlanInstall(ctx, run, content.InstallWish{CAP: capOf(t, o), Instance: binding.DefaultAID})
		if err != nil {
			return err
		}
		_, err = plan.Apply(ctx, d)
		return err
	})
	if err := r.with(mock.Faults{}, r.remove); !errors.As(err, new(*content.ConflictError)) { // names the binding package
		t.Errorf("another load file was named: %v", err)
	}
	r.do(func(run *personalize.Run) error {
		plan, err := content.PlanRemoval(ctx, run, content.RemovalWish{})
		if err != nil {
			return err
		}
		_, err = plan.Apply(ctx, run)
		return err
	})
	r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
		list, err := d.List(ctx)
		if len(list.Applications) != 0 || len(list.LoadFiles) != 0 {
			t.Errorf("left: %+v", list)
		}
		return err
	})
}

// listless is a card whose security domain lists nothing.
type listless struct{ personalize.Card }

func (c listless) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	r, err := c.Card.Transmit(ctx, cmd)
	if cmd.INS == 0xF2 {
		r = apdu.Response{SW: apdu.SWReferenceNotFound}
	}
	return r, err
}

// TestAppletOfAnotherDomain: an applet that answers is not taken for one that is gone because the security domain does not list it.
func TestAppletOfAnotherDomain(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	hidden := func(run *personalize.Run) error {
		run.Card = listless{run.Card}
		return r.remove(run)
	}
	if err := r.with(mock.Faults{}, hidden); !errors.Is(err, errNothing) {
		t.Errorf("without applet: %v", err)
	}
	r.do(r.install)
	if err := r.with(mock.Faults{}, hidden); !errors.As(err, new(*content.ConflictError)) {
		t.Errorf("with the applet: %v", err)
	}
}

// TestExpectedIMSIWithoutApplet is looked at, too, when there is nothing to remove.
func TestExpectedIMSIWithoutApplet(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	for imsi, ok := range map[string]bool{"001010000123456": true, "001010000123457": false} {
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			_, err := content.PlanRemoval(ctx, run, content.RemovalWish{Expected: personalize.Expected{IMSI: imsi}})
			return err
		})
		if errors.As(err, new(*personalize.MismatchError)) == ok {
			t.Errorf("%s: %v", imsi, err)
		}
	}
}
