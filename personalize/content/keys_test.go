package content_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/secret"
)

func key(b byte, size int) secret.Bytes { return secret.New(bytes.Repeat([]byte{b}, size)) }

func set(kvn byte, size int) gp.KeySet {
	return gp.KeySet{KVN: kvn, ENC: key(0x11, size), MAC: key(0x22, size), DEK: key(0x33, size)}
}

func (r *rig) put(w content.KeyWish) (plan *content.KeyChange, err error) {
	err = r.with(mock.Faults{}, func(run *personalize.Run) error {
		p, d, err := content.PlanKeys(ctx, run, w)
		if err != nil {
			return err
		}
		plan = p
		return p.Apply(ctx, d)
	})
	return plan, err
}

func wishing(s gp.KeySet, replace byte) content.KeyWish {
	return content.KeyWish{Replace: replace, New: func(string) (gp.KeySet, gp.KeyKind, error) { return copied(s), 0, nil }}
}

// TestEverySizeOfKey is added, used, and replaces.
func TestEverySizeOfKey(t *testing.T) {
	for image, sizes := range map[string][]int{"no-applet": {16}, "no-applet-t1": {16, 24, 32}} {
		r := newRig(t, image)
		old := r.keys.KVN
		for n, size := range sizes {
			fresh := set(0x40+byte(n), size)
			plan, err := r.put(wishing(fresh, 0))
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", image, size, err)
			}
			if plan.New.Bits != 8*size || plan.Old.KVN != old || len(plan.New.CheckValues) != 3 {
				t.Errorf("%+v", plan)
			}
			r.keys = fresh
			r.do(func(run *personalize.Run) error { _, err := content.List(ctx, run, personalize.Expected{}); return err })
			r.keys = gp.KeySet{KVN: old, ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
		}
		if _, err := r.put(wishing(set(0x50, sizes[0]), old)); err != nil {
			t.Errorf("%s: replacing %02X: %v", image, old, err)
		}
	}
}

// TestDerivedSet is the card's own: the plan shows its check values, not those of the masters, and a derivation that cannot be made is
// refused, not dropped.
func TestDerivedSet(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	plan, err := r.put(wishing(masters(0x31), 0x30))
	if err != nil {
		t.Fatal(err)
	}
	own, err := masters(0x31).Diversify([10]byte(r.chip.Image().Domain.KDD))
	if err != nil {
		t.Fatal(err)
	}
	want, err := own.CheckValues(gp.AES)
	if err != nil {
		t.Fatal(err)
	}
	plain := masters(0x31)
	plain.Diversification = gp.NotDiversified
	wrong, _ := plain.CheckValues(gp.AES)
	if strings.Join(plan.New.CheckValues, " ") != strings.Join(want, " ") || strings.Join(want, " ") == strings.Join(wrong, " ") || plan.New.Derivation != gp.KDF3 {
		t.Errorf("%+v, want %v", plan.New, want)
	}
	r.keys = masters(0x31)
	impossible := masters(0x32)
	impossible.Diversification = gp.EMV // of AES-256 masters
	if _, err := r.put(wishing(impossible, 0)); !errors.Is(err, gp.ErrKey) {
		t.Errorf("EMV of AES masters: %v", err)
	}
}

// TestKeysRefused: nothing is sent, and no key of the card changes.
func TestKeysRefused(t *testing.T) {
	for _, row := range []struct {
		name    string
		fresh   gp.KeySet
		replace byte
		say     string
	}{
		{"version 00", set(0x00, 16), 0x30, "a key version 01 to 7F and three keys"},
		{"version 80", set(0x80, 16), 0x30, "a key version 01 to 7F and three keys"},
		{"no DEK", gp.KeySet{KVN: 0x31, ENC: key(1, 16), MAC: key(2, 16)}, 0x30, "three keys"},
		{"same version, not named", set(0x30, 16), 0, "name it as the one that is replaced"},
		{"nothing to replace", set(0x31, 16), 0x29, "no key set of this version to be replaced"},
	} {
		r := newRig(t, "no-applet-t1")
		if _, err := r.put(wishing(row.fresh, row.replace)); err == nil || !strings.Contains(err.Error(), row.say) {
			t.Errorf("%s: %v", row.name, err)
		}
		r.do(func(run *personalize.Run) error { _, err := content.List(ctx, run, personalize.Expected{}); return err })
	}
	r := newRig(t, "no-applet-t1")
	if _, err := r.put(wishing(set(0x31, 16), 0)); err != nil {
		t.Fatal(err)
	}
	other := set(0x31, 32)
	var conflict *content.ConflictError
	if _, err := r.put(wishing(other, 0)); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "with other keys") {
		t.Errorf("another set under the same version: %v", err)
	}
	if r.chip.FailuresOf(0x31) != 0 {
		t.Error("a try was spent")
	}
}

// TestWrongDEK is the fifth failure: the session stands, the card refuses the keys, and keeps those it has.
func TestWrongDEK(t *testing.T) {
	for _, name := range []string{"no-applet", "no-applet-t1"} {
		r := newRig(t, name)
		right := r.keys.DEK
		r.keys.DEK = key(0x77, 16)
		_, err := r.put(wishing(set(0x41, 16), 0))
		var refused *gp.ContentError
		if !errors.As(err, &refused) || refused.INS != apdu.INSPutKey || !strings.Contains(err.Error(), "the DEK is wrong") {
			t.Errorf("%s: %v", name, err)
		}
		if r.chip.FailuresOf(r.keys.KVN) != 0 {
			t.Errorf("%s: a try was spent", name)
		}
		r.keys.DEK = right
		if _, err := r.put(wishing(set(0x41, 16), 0)); err != nil {
			t.Errorf("%s: with the right one: %v", name, err)
		}
	}
}

// liar is a card that answers PUT KEY with another check value.
type liar struct{ personalize.Card }

func (l liar) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	r, err := l.Card.Transmit(ctx, c)
	if err == nil && c.INS == apdu.INSPutKey && len(r.Data) > 0 {
		r.Data[len(r.Data)-1] ^= 1
	}
	return r, err
}

// TestCheckValuesAreCompared: success is not said over a check value that differs, whatever the new session proves.
func TestCheckValuesAreCompared(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	err := r.with(mock.Faults{}, func(run *personalize.Run) error {
		run.Card = liar{run.Card}
		p, d, err := content.PlanKeys(ctx, run, wishing(set(0x31, 16), 0x30))
		if err != nil {
			return err
		}
		return p.Apply(ctx, d)
	})
	var differs *personalize.VerifyError
	if !errors.As(err, &differs) || !strings.Contains(err.Error(), "the card answers version and check values") {
		t.Errorf("%v", err)
	}
}

// TestInDoubtIsSaid: a card pulled at PUT KEY leaves open which set it holds, and the error says so.
func TestInDoubtIsSaid(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	err := r.with(mock.Faults{LoseAt: 7}, r.rotateTo(set(0x30, 16)))
	var doubt *personalize.InDoubtError
	if !errors.As(err, &doubt) || doubt.Step != "PUT KEY 30" || !errors.Is(err, pcsc.ErrRemoved) {
		t.Fatalf("%v", err)
	}
	if err := r.with(mock.Faults{}, r.rotateTo(set(0x30, 16))); err != errNothing {
		t.Errorf("the next run: %v", err)
	}
	if r.chip.FailuresOf(0x30) != 0 {
		t.Error("a try was spent to find out")
	}
}

// halfDone is a card that takes new keys and answers something else than done.
type halfDone struct {
	personalize.Card
	sw apdu.SW
}

func (c halfDone) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	r, err := c.Card.Transmit(ctx, cmd)
	if err == nil && cmd.INS == apdu.INSPutKey {
		r = apdu.Response{SW: c.sw}
	}
	return r, err
}

// TestHalfDoneIsInDoubt: a warning, a memory that failed and an error without diagnosis do not say which set the card holds. What says that
// nothing changed is a refusal.
func TestHalfDoneIsInDoubt(t *testing.T) {
	for sw, doubtful := range map[apdu.SW]bool{
		0x6200: true, 0x6300: true, 0x6581: true, 0x6500: true, 0x6F00: true, 0x6400: false, 0x6A80: false, 0x6985: false,
	} {
		r := newRig(t, "no-applet-t1")
		err := r.with(mock.Faults{}, func(run *personalize.Run) error {
			run.Card = halfDone{run.Card, sw}
			return r.rotateTo(set(0x30, 16))(run)
		})
		if got := errors.As(err, new(*personalize.InDoubtError)); got != doubtful || !errors.Is(err, sw) {
			t.Errorf("%s: in doubt %v: %v", sw, got, err)
		}
		if err := r.with(mock.Faults{}, r.rotateTo(set(0x30, 16))); err != errNothing {
			t.Errorf("%s: the next run: %v", sw, err)
		}
	}
}

// TestTheSetInUseStays.
func TestTheSetInUseStays(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
		if _, err := d.PlanDeleteKeys(ctx, 0x30); !errors.As(err, new(*content.ConflictError)) {
			t.Errorf("the set of the session: %v", err)
		}
		if _, err := d.PlanDeleteKeys(ctx, 0x44); !errors.As(err, new(*content.ConflictError)) {
			t.Errorf("a set that is not there: %v", err)
		}
		return nil
	})
}

// renaming is a card that answers another key version than it was asked for.
type renaming struct{ personalize.Card }

func (c renaming) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	r, err := c.Card.Transmit(ctx, cmd)
	if err == nil && cmd.INS == apdu.INSInitializeUpdate && len(r.Data) > 10 {
		r.Data[10] = 0x70
	}
	return r, err
}

// TestTheSetInUseStaysUnderBothVersions: the one that was asked for, and the one the card told.
func TestTheSetInUseStaysUnderBothVersions(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	r.opened(func(run *personalize.Run) { run.Card = renaming{run.Card} }, func(d *content.Domain) error {
		for _, kvn := range []byte{0x30, 0x70} {
			if _, err := d.PlanDeleteKeys(ctx, kvn); err == nil || !strings.Contains(err.Error(), "this key set opened the session") {
				t.Errorf("%02X: %v", kvn, err)
			}
		}
		return nil
	})
}

// TestRotationOfTheDefaultSet: the session's key version is left to the card. A change under that version that was broken off behind PUT KEY
// is found out by the next run all the same, and spends nothing.
func TestRotationOfTheDefaultSet(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	r.keys.KVN = 0x00
	rotate := func(run *personalize.Run) error {
		plan, d, err := content.PlanKeys(ctx, run, wishing(set(0x30, 16), 0x30))
		if err != nil {
			return err
		}
		if plan.AsWanted() {
			d.Close()
			return errNothing
		}
		return plan.Apply(ctx, d)
	}
	if err := r.with(mock.Faults{LoseAt: 7}, rotate); !errors.As(err, new(*personalize.InDoubtError)) {
		t.Fatalf("cut at PUT KEY: %v", err)
	}
	if err := r.with(mock.Faults{}, rotate); err != errNothing {
		t.Errorf("the next run: %v", err)
	}
	if r.chip.FailuresOf(0x30) != 0 {
		t.Error("a try was spent")
	}
}

// TestSetsThatShareAKey under one version could not be told apart by one cryptogram after a change that was broken off: the next run would spend
// a try with the one that is gone. They are refused before anything is sent.
func TestSetsThatShareAKey(t *testing.T) {
	for _, image := range []string{"no-applet", "no-applet-t1"} {
		for name, change := range map[string]func(*gp.KeySet){
			"ENC": func(k *gp.KeySet) { k.ENC = gp.TestKey() },
			"MAC": func(k *gp.KeySet) { k.MAC = gp.TestKey() },
		} {
			r := newRig(t, image)
			kvn := r.keys.KVN
			fresh := set(kvn, 16)
			change(&fresh)
			for range 2 {
				err := r.with(mock.Faults{LoseAt: 7}, r.rotateTo(fresh))
				if !errors.As(err, new(*personalize.UnfitError)) || !strings.Contains(err.Error(), "a key of the set it replaces") {
					t.Errorf("%s, %s: %v", image, name, err)
				}
			}
			if n := r.chip.FailuresOf(kvn); n != 0 {
				t.Errorf("%s, %s: %d tries were spent", image, name, n)
			}
			if _, err := r.put(wishing(fresh, kvn)); err == nil {
				t.Errorf("%s, %s: taken", image, name)
			}
			fresh.KVN = 0x44 // under another version the card tells which it has
			if _, err := r.put(wishing(fresh, kvn)); err != nil {
				t.Errorf("%s, %s: %v", image, name, err)
			}
		}
	}
}

// watched tells the levels that EXTERNAL AUTHENTICATE asks for.
type watched struct {
	personalize.Card
	levels *[]byte
}

func (c watched) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	if cmd.INS == apdu.INSExternalAuth {
		*c.levels = append(*c.levels, cmd.P1)
	}
	return c.Card.Transmit(ctx, cmd)
}

// TestKeysAreProvenWithEncryption, whatever level was asked for: a C-MAC alone does not prove an ENC key in SCP03.
func TestKeysAreProvenWithEncryption(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	var levels []byte
	r.do(func(run *personalize.Run) error {
		run.Card, run.Level = watched{run.Card, &levels}, gp.LevelCMAC
		p, d, err := content.PlanKeys(ctx, run, wishing(set(0x31, 16), 0x30))
		if err != nil {
			return err
		}
		return p.Apply(ctx, d)
	})
	if !bytes.Equal(levels, []byte{0x03, 0x03}) || len(r.notes) != 1 {
		t.Errorf("levels %X, notes %v", levels, r.notes)
	}
}

// TestReplacedSetBeside: the new set is on the card, and so is the one it was to replace. That one is not said to be gone.
func TestReplacedSetBeside(t *testing.T) {
	r := newRig(t, "no-applet-t1")
	if _, err := r.put(wishing(set(0x31, 16), 0)); err != nil {
		t.Fatal(err)
	}
	var conflict *content.ConflictError
	if _, err := r.put(wishing(set(0x31, 16), 0x30)); !errors.As(err, &conflict) || !bytes.Equal(conflict.AID, []byte{0x30}) {
		t.Errorf("both on the card: %v", err)
	}
	if plan, err := r.put(wishing(set(0x31, 16), 0)); err != nil || !plan.AsWanted() {
		t.Errorf("without a set to replace: %v", err)
	}
}

// TestAnotherKindOfTheSameBytes: keys for SCP02 are not those for SCP03.
func TestAnotherKindOfTheSameBytes(t *testing.T) {
	r := newRig(t, "no-applet")
	wish := content.KeyWish{Replace: r.keys.KVN, New: func(string) (gp.KeySet, gp.KeyKind, error) { return copied(r.keys), gp.AES, nil }}
	for _, asWanted := range []bool{false, true} {
		plan, err := r.put(wish)
		if err != nil || plan.AsWanted() != asWanted {
			t.Fatalf("as wanted %t: %+v %v", asWanted, plan, err)
		}
	}
	r.opened(func(*personalize.Run) {}, func(d *content.Domain) error {
		if d.Session.Protocol != gp.SCP03 {
			t.Errorf("the card speaks %s", d.Session.Protocol)
		}
		return nil
	})
}
