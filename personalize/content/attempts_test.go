package content_test

import (
	"errors"
	"testing"

	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/vuicc/image"
)

// TestAnotherSetForgivesNothing: a card counts failures by key version, and so does the station. Sessions with one set, however many succeed,
// allow no further try with another, and a set that used its tries up keeps nobody from the one that fits.
func TestAnotherSetForgivesNothing(t *testing.T) {
	second := func(img *image.Image) {
		s := img.Domain.Keys[0]
		s.KVN = 0x21
		img.Domain.Keys = append(img.Domain.Keys, s)
	}
	r := newRig(t, "no-applet", second)
	good := r.keys
	bad := gp.KeySet{KVN: 0x21, ENC: gp.TestKey(), MAC: key(0x11, 16), DEK: gp.TestKey()}
	list := func(s gp.KeySet) error {
		r.keys = s
		return r.with(mock.Faults{}, func(run *personalize.Run) error { _, err := content.List(ctx, run, personalize.Expected{}); return err })
	}
	var refused *personalize.AttemptsError
	for n := range 6 {
		err := list(bad)
		if n < personalize.DefaultAttempts && !errors.As(err, new(*gp.SessionError)) {
			t.Errorf("try %d: %v", n+1, err)
		}
		if n >= personalize.DefaultAttempts && (!errors.As(err, &refused) || refused.Failed != personalize.DefaultAttempts) {
			t.Errorf("try %d: %v", n+1, err)
		}
		if err := list(good); err != nil {
			t.Errorf("the set that fits, after %d tries with the other: %v", n+1, err)
		}
	}
	if failed := r.chip.FailuresOf(0x21); failed != personalize.DefaultAttempts {
		t.Errorf("the card counts %d failures", failed)
	}
	bad.KVN = 0
	if err := list(bad); !errors.As(err, &refused) {
		t.Errorf("the card's choice of version: %v", err)
	}
	bad.KVN, bad.MAC = 0x21, gp.TestKey()
	r.keys = bad
	again := func(attempts int) error {
		return r.with(mock.Faults{}, func(run *personalize.Run) error {
			run.Attempts = attempts
			_, err := content.List(ctx, run, personalize.Expected{})
			return err
		})
	}
	if err := again(4); err != nil {
		t.Error(err)
	}
	if err := again(0); err != nil {
		t.Errorf("the count was not cleared: %v", err)
	}
}

// TestLevelTheCardDoesNotHave is seen in its parameter i, before a try is counted anywhere.
func TestLevelTheCardDoesNotHave(t *testing.T) {
	for i, levels := range map[byte]map[gp.Level]bool{
		0x10: {0x03: true, 0x11: false, 0x13: false, 0x33: false},
		0x30: {0x03: true, 0x11: true, 0x13: true, 0x33: false},
		0x70: {0x03: true, 0x11: true, 0x13: true, 0x33: true},
	} {
		r := newRig(t, "no-applet-t1", func(img *image.Image) { img.Domain.Keys[0].I = i })
		for level, has := range levels {
			for range personalize.DefaultAttempts + 1 {
				err := r.with(mock.Faults{}, func(run *personalize.Run) error {
					run.Level = level
					_, err := content.List(ctx, run, personalize.Expected{})
					return err
				})
				var failed *gp.SessionError
				if has && err != nil || !has && (!errors.As(err, &failed) || failed.Failure != gp.FailureLevel || failed.TriesSpent != 0) {
					t.Errorf("i = %02X, level %02X: %v", i, byte(level), err)
				}
			}
		}
	}
}
