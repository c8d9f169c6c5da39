package personalize_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/uicc"
)

const (
	terminalA = "490154203237518"
	terminalB = "352099001761481"
)

func preset(t testing.TB, imei string) binding.Configuration {
	t.Helper()
	i, _, err := binding.ParseIMEI(imei)
	if err != nil {
		t.Fatal(err)
	}
	c := binding.DefaultConfiguration(binding.Preset)
	c.Patterns = []binding.Pattern{i.Pattern()}
	return c
}

// TestPersonalizesEveryKindOfCard, in exactly so many commands; a second run finds nothing to do.
func TestPersonalizesEveryKindOfCard(t *testing.T) {
	rows := []struct {
		image        string
		apdus, again int
		pin          bool
		copies       int
	}{
		{"usim-linked", 22, 7, false, 1},
		{"usim-separate", 23, 7, true, 2}, // PIN1: counter and VERIFY
		{"usim-only", 20, 7, false, 1},
	}
	for _, row := range rows {
		t.Run(row.image, func(t *testing.T) {
			d := newDesk(t, row.image)
			defer d.close()
			if row.pin {
				d.secrets.PIN1 = pin(t, "1234")
			}
			result, err := d.personalize(firstInsert())
			if err != nil {
				t.Fatal(err)
			}
			if result.Outcome != personalize.OutcomeDone || result.Applet.State.Status != binding.Armed || result.Applet.State.Generation != 1 {
				t.Errorf("result %+v", result)
			}
			if n, _ := d.cost(); n != row.apdus {
				t.Errorf("%d commands, want %d: %+v", n, row.apdus, d.counter.Phases())
			}
			b, err := personalize.LoadBackup(result.Backup)
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Copies) != row.copies || b.ICCID == "" || b.ATR == "" || len(b.Location) < 2 {
				t.Errorf("backup %+v", b)
			}
			d.reconnect()
			writes := d.chip.NVM().Writes()
			result, err = d.personalize(firstInsert())
			if err != nil || result.Outcome != personalize.OutcomeAsWanted || result.Backup != "" {
				t.Errorf("second run: %+v, %v", result, err)
			}
			if n, _ := d.cost(); n != row.again || n > 12 {
				t.Errorf("second run: %d commands, want %d", n, row.again)
			}
			t.Logf("the card's own bookkeeping in the second run: %d writes", d.chip.NVM().Writes()-writes)
		})
	}
}

func pin(t testing.TB, digits string) secret.Bytes {
	t.Helper()
	p, err := uicc.PIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestStory: the whole life of a card in memory.
func TestStory(t *testing.T) {
	for _, image := range []string{"usim-linked", "usim-separate", "usim-only"} {
		t.Run(image, func(t *testing.T) {
			d := newDesk(t, image)
			defer func() { d.close() }()
			d.secrets.PIN1 = pin(t, "1234")
			if _, err := d.personalize(firstInsert()); err != nil {
				t.Fatal(err)
			}
			steps := []struct {
				imei     string
				decision binding.Decision
				files    binding.Files
				asked    int // proactive commands
				refresh  int
			}{
				{terminalA, binding.AllowedBoundNow, binding.FilesBackup, 1, 0},
				{terminalA, binding.Allowed, binding.FilesBackup, 1, 0}, // the everyday start
				{terminalB, binding.DeniedOther, binding.FilesDenial, 2, 1},
				{terminalB, binding.DeniedOther, binding.FilesDenial, 1, 0},
				{terminalA, binding.Allowed, binding.FilesBackup, 2, 1},
				{"", binding.DeniedNoIMEI, binding.FilesDenial, 3, 1}, // IMEI, IMEISV, REFRESH
				{terminalA, binding.Allowed, binding.FilesBackup, 2, 1},
			}
			for i, step := range steps {
				before := d.chip.Counters()
				report, state := d.boot(step.imei)
				if state.Decision != step.decision || state.Files != step.files {
					t.Errorf("step %d: %s, EF_IMSI %s; want %s, %s", i+1, state.Decision, state.Files, step.decision, step.files)
				}
				if asked := d.chip.Counters().Proactive - before.Proactive; asked != step.asked || report.Refreshes != step.refresh {
					t.Errorf("step %d: %d proactive commands, %d REFRESH; want %d, %d", i+1, asked, report.Refreshes, step.asked, step.refresh)
				}
			}
		})
	}
}

func TestRefusesWhatCannotBeBound(t *testing.T) {
	rows := []struct {
		image string
		want  func(error) bool
		say   string
	}{
		{"no-applet", func(err error) bool { return errors.Is(err, personalize.ErrNoApplet) }, "applet"},
		{"usim-supi", func(err error) bool { return errors.As(err, new(*personalize.UnfitError)) }, "130"},
		{"usim-separate", func(err error) bool { return errors.As(err, new(personalize.PINNeededError)) }, "PIN1"},
	}
	for _, row := range rows {
		t.Run(row.image, func(t *testing.T) {
			d := newDesk(t, row.image)
			defer d.close()
			_, err := d.personalize(firstInsert())
			if !row.want(err) || !strings.Contains(err.Error(), row.say) {
				t.Errorf("error %v", err)
			}
			if d.chip.Counters().Verify != 0 || d.chip.FailuresOf(0x30)+d.chip.FailuresOf(0x20) != 0 {
				t.Error("a try was spent")
			}
		})
	}
}

// TestAnotherCard: an unexpected ICCID or IMSI is refused before a key is used.
func TestAnotherCard(t *testing.T) {
	for _, x := range []personalize.Expected{{ICCID: "8988211000000467343"}, {IMSI: "001010000123457"}} {
		d := newDesk(t, "usim-linked")
		_, err := d.personalize(func(uicc.ICCID) (personalize.Wish, error) {
			return personalize.Wish{Configuration: binding.DefaultConfiguration(binding.FirstInsert), Expected: x}, nil
		})
		var wrong *personalize.MismatchError
		if !errors.As(err, &wrong) {
			t.Errorf("error %v", err)
		}
		for _, p := range d.counter.Phases() {
			if p.Name == "session" {
				t.Error("a session was opened")
			}
		}
		d.close()
	}
}

// TestWrongKey: one attempt, the card's counter moved by at most one, and the message tells which key it is.
func TestWrongKey(t *testing.T) {
	wrong := secret.New(bytes.Repeat([]byte{0x11}, 16))
	rows := []struct {
		name, image string
		kvn         byte
		spoil       func(*gp.KeySet)
		failure     gp.Failure
		moved       int
		say         string
	}{
		{"SCP03 MAC", "usim-linked", 0x30, func(k *gp.KeySet) { k.MAC = wrong }, gp.FailureCryptogram, 0, "MAC key, the key version or the derivation"},
		{"SCP02 ENC", "usim-separate", 0x20, func(k *gp.KeySet) { k.ENC = wrong }, gp.FailureCryptogram, 0, "ENC key, the key version or the derivation"},
		{"SCP02 MAC", "usim-separate", 0x20, func(k *gp.KeySet) { k.MAC = wrong }, gp.FailureAuthenticate, 1, "the MAC key is wrong; one try spent"},
		{"version", "usim-linked", 0x30, func(k *gp.KeySet) { k.KVN = 0x31 }, gp.FailureNoKeySet, 0, "no key set of version 31"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t, row.image)
			defer func() { d.close() }()
			d.secrets.PIN1 = pin(t, "1234")
			row.spoil(&d.secrets.Keys)
			_, err := d.personalize(firstInsert())
			var failed *gp.SessionError
			if !errors.As(err, &failed) || failed.Failure != row.failure || !strings.Contains(err.Error(), row.say) {
				t.Fatalf("error %v", err)
			}
			if got := d.chip.FailuresOf(row.kvn); got != row.moved {
				t.Errorf("the card counts %d failures, want %d", got, row.moved)
			}
			if row.failure == gp.FailureNoKeySet {
				return
			}
			// Our own count refuses the fourth attempt, whatever the card would do.
			for range 2 {
				d.reconnect()
				if _, err = d.personalize(firstInsert()); !errors.As(err, &failed) {
					t.Fatalf("error %v", err)
				}
			}
			before := d.chip.FailuresOf(row.kvn)
			d.reconnect()
			var refused *personalize.AttemptsError
			if _, err = d.personalize(firstInsert()); !errors.As(err, &refused) || refused.Failed != 3 {
				t.Errorf("fourth attempt: %v", err)
			}
			if d.chip.FailuresOf(row.kvn) != before {
				t.Error("the refused attempt reached the card")
			}
			// Told otherwise, with the right keys, it goes on and forgets.
			d.secrets.Keys = gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey()}
			d.reconnect()
			d.run.Attempts = 4
			if _, err := d.personalize(firstInsert()); err != nil {
				t.Errorf("right keys: %v", err)
			}
			d.reconnect()
			if _, err := d.personalize(firstInsert()); err != nil {
				t.Errorf("the count was not cleared: %v", err)
			}
		})
	}
}

// TestKeysAreOfOneCard: a run that meets another card, after a reset, does not use the keys of the first.
func TestKeysAreOfOneCard(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	asked := 0
	d.run.Secrets = func(iccid string) (keys.Card, error) {
		asked++
		return keys.Card{ICCID: iccid, Keys: gp.KeySet{KVN: byte(asked), ENC: secret.New([]byte(iccid)), MAC: gp.TestKey()}}, nil
	}
	for _, row := range []struct {
		iccid uicc.ICCID
		kvn   byte
	}{{"8988211000000430010", 1}, {"8988211000000430010", 1}, {"8988211000000430028", 2}} {
		k, err := d.run.KeysOf(row.iccid)
		if err != nil || k.KVN != row.kvn || string(k.ENC.Reveal()) != row.iccid.String() {
			t.Errorf("keys of version %02X for %s, %v", k.KVN, row.iccid, err)
		}
	}
}

// TestWrongPIN: the counter is read first, one attempt, and at the floor none.
func TestWrongPIN(t *testing.T) {
	d := newDesk(t, "usim-separate")
	defer func() { d.close() }()
	d.secrets.PIN1 = pin(t, "9999")
	var wrong *uicc.PINError
	for _, left := range []int{2, 1} {
		if _, err := d.personalize(firstInsert()); !errors.As(err, &wrong) || wrong.TriesLeft != left || wrong.Refused {
			t.Fatalf("error %v, want %d tries left", err, left)
		}
		d.reconnect()
	}
	if _, err := d.personalize(firstInsert()); !errors.As(err, &wrong) || !wrong.Refused || wrong.TriesLeft != 1 {
		t.Errorf("at the floor: %v", err)
	}
	if d.chip.Counters().Verify != 2 {
		t.Errorf("%d codes reached the card, want 2", d.chip.Counters().Verify)
	}
}

// TestPulledAtAnyCommand: the card is pulled instead of, and after, every command in turn. The next run finishes, and the card
// ends as wanted with its IMSI in place; a broken critical section is told as in doubt, an earlier one as removed.
func TestPulledAtAnyCommand(t *testing.T) {
	for _, fault := range []string{"before", "after"} {
		for n := 1; n <= 22; n++ {
			t.Run(fmt.Sprintf("%s %d", fault, n), func(t *testing.T) { pulledAt(t, fault, n) })
		}
	}
}

func pulledAt(t *testing.T, fault string, n int) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	f := mock.Faults{RemoveAt: n}
	if fault == "after" {
		f = mock.Faults{LoseAt: n}
	}
	d.reader.SetFaults(f)
	_, err := d.personalize(firstInsert())
	if !errors.Is(err, pcsc.ErrRemoved) {
		t.Fatalf("error %v", err)
	}
	// Commands 16 to 22 are the critical section: backup on the card, configuration, read-back.
	if doubt := errors.As(err, new(*personalize.InDoubtError)); doubt != (n >= 16) {
		t.Errorf("in doubt is %v at command %d: %v", doubt, n, err)
	}
	d.reinsert()
	result, err := d.personalize(firstInsert())
	if err != nil {
		t.Fatalf("next run: %v", err)
	}
	if got := result.Applet; got.State.Generation != 1 || got.State.Status != binding.Armed || got.State.Files != binding.FilesBackup {
		t.Errorf("the card ends at generation %d, %s, EF_IMSI %s", got.State.Generation, got.State.Status, got.State.Files)
	}
	journal, err := d.store.Journal("8988211000000430010")
	if err != nil {
		t.Fatal(err)
	}
	if journal.InDoubt() != nil || journal.Quarantined() {
		t.Errorf("the journal ends %+v", journal.Entries())
	}
	if d.chip.FailuresOf(0x30) != 0 {
		t.Errorf("the card counts %d failed authentications", d.chip.FailuresOf(0x30))
	}
}

// TestPowerCutAtAnyWrite: the card loses power before and after every persistent write of a personalization; the next run
// ends as wanted, and the IMSI is never lost.
func TestPowerCutAtAnyWrite(t *testing.T) {
	whole := newDesk(t, "usim-linked")
	before := whole.chip.NVM().Writes()
	if _, err := whole.personalize(firstInsert()); err != nil {
		t.Fatal(err)
	}
	writes := whole.chip.NVM().Writes() - before
	whole.close()
	if writes < 5 {
		t.Fatalf("%d writes: the cuts would show nothing", writes)
	}
	for n := 1; n <= writes; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d after %v", n, after), func(t *testing.T) {
				d := newDesk(t, "usim-linked")
				defer func() { d.close() }()
				d.chip.NVM().CutAt(n, after)
				if _, err := d.personalize(firstInsert()); !errors.Is(err, pcsc.ErrMute) {
					t.Fatalf("error %v", err)
				}
				d.chip.NVM().CutAt(0, false)
				d.reconnect()
				result, err := d.personalize(firstInsert())
				if err != nil {
					t.Fatalf("next run: %v", err)
				}
				if result.Applet.State.Generation != 1 || result.Applet.State.BackupUSIM == nil && !result.Applet.Full {
					t.Errorf("the card ends %+v", result.Applet.State)
				}
				if _, state := d.boot(terminalA); state.Decision != binding.AllowedBoundNow {
					t.Errorf("first terminal: %s", state.Decision)
				}
			})
		}
	}
}

// TestReconfiguring: another configuration needs to be agreed to; the generation moves by one.
func TestReconfiguring(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	if _, err := d.personalize(firstInsert()); err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	var configured *personalize.ConfiguredError
	if _, err := d.personalize(wish(preset(t, terminalA))); !errors.As(err, &configured) || configured.Generation != 1 {
		t.Fatalf("error %v", err)
	}
	d.reconnect()
	result, err := d.personalize(func(uicc.ICCID) (personalize.Wish, error) {
		return personalize.Wish{Configuration: preset(t, terminalA), Reconfigure: true}, nil
	})
	if err != nil || result.Applet.State.Generation != 2 || result.Applet.State.Status != binding.PresetActive {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestReconfiguringADeniedCard: EF_IMSI holds the denial value, the backup takes the applet's, and nothing is lost.
func TestReconfiguringADeniedCard(t *testing.T) {
	d := newDesk(t, "usim-separate")
	defer func() { d.close() }()
	d.secrets.PIN1 = pin(t, "1234")
	if _, err := d.personalize(wish(preset(t, terminalA))); err != nil {
		t.Fatal(err)
	}
	if _, state := d.boot(terminalB); state.Files != binding.FilesDenial {
		t.Fatalf("EF_IMSI %s", state.Files)
	}
	d.reconnect()
	result, err := d.personalize(func(uicc.ICCID) (personalize.Wish, error) {
		return personalize.Wish{Configuration: preset(t, terminalB), Reconfigure: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := personalize.LoadBackup(result.Backup)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Copies {
		if c.From != "applet" || c.Content != "080910000110325476" {
			t.Errorf("%s: %s from the %s", c.Place, c.Content, c.From)
		}
	}
	if _, state := d.boot(terminalB); state.Decision != binding.Allowed || state.Files != binding.FilesBackup {
		t.Errorf("terminal B: %s, EF_IMSI %s", state.Decision, state.Files)
	}
}

// TestActions: unbind, rebind and clear, each with its proof.
func TestActions(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	if _, err := d.personalize(firstInsert()); err != nil {
		t.Fatal(err)
	}
	d.boot(terminalA)
	act := func(a binding.Action) (personalize.Change, error) {
		d.reconnect()
		return d.run.Act(context.Background(), personalize.Expected{ICCID: "8988211000000430010"}, a)
	}
	b, _, err := binding.ParseIMEI(terminalB)
	if err != nil {
		t.Fatal(err)
	}
	change, err := act(binding.Bind(b))
	if err != nil || !change.After.State.Bound[0].Is(b) || change.After.State.Generation != 2 {
		t.Fatalf("rebind: %+v, %v", change.After, err)
	}
	if _, state := d.boot(terminalB); state.Decision != binding.Allowed {
		t.Errorf("terminal B after rebind: %s", state.Decision)
	}
	change, err = act(binding.Unbind())
	if err != nil || change.After.State.Status != binding.Armed || change.After.State.Generation != 3 {
		t.Fatalf("unbind: %+v, %v", change.After, err)
	}
	change, err = act(binding.Clear())
	if err != nil || change.After.State.Counters != (binding.Counters{}) || change.After.State.Generation != 3 {
		t.Errorf("clear: %+v, %v", change.After, err)
	}
	d.reconnect()
	if _, err := d.run.Act(context.Background(), personalize.Expected{ICCID: "8988211000000467343"}, binding.Unbind()); !errors.As(err, new(*personalize.MismatchError)) {
		t.Errorf("another card: %v", err)
	}
}

// TestActionPulledAtAnyCommand: from the action itself on nobody knows whether it was carried out, and the run says so.
func TestActionPulledAtAnyCommand(t *testing.T) {
	for n := 1; n <= 9; n++ {
		for name, f := range map[string]mock.Faults{"before": {RemoveAt: n}, "after": {LoseAt: n}} {
			d := newDesk(t, "usim-linked")
			if _, err := d.personalize(firstInsert()); err != nil {
				t.Fatal(err)
			}
			d.boot(terminalA)
			d.reconnect()
			d.reader.SetFaults(f)
			_, err := d.run.Act(context.Background(), personalize.Expected{}, binding.Unbind())
			if doubt := errors.As(err, new(*personalize.InDoubtError)); !errors.Is(err, pcsc.ErrRemoved) || doubt != (n >= 7) {
				t.Errorf("pulled %s command %d: in doubt is %v: %v", name, n, doubt, err)
			}
			d.reinsert()
			change, err := d.run.Act(context.Background(), personalize.Expected{}, binding.Unbind())
			if err != nil || change.After.State.Status != binding.Armed {
				t.Errorf("pulled %s command %d: the next unbind: %v", name, n, err)
			}
			d.close()
		}
	}
}

func TestUnbindOutsideFirstInsert(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	if _, err := d.personalize(wish(preset(t, terminalA))); err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	_, err := d.run.Act(context.Background(), personalize.Expected{}, binding.Unbind())
	if !errors.Is(err, apdu.SWConditions) || !errors.As(err, new(*binding.AppletError)) {
		t.Errorf("error %v", err)
	}
}

// TestBackupAndRestore: a backup goes back to its own card and to no other; ADM1 is offered once.
func TestBackupAndRestore(t *testing.T) {
	d := newDesk(t, "usim-separate")
	defer func() { d.close() }()
	d.secrets.PIN1 = pin(t, "1234")
	saved, _, err := d.run.Save(context.Background(), personalize.Expected{}, false)
	if err != nil {
		t.Fatal(err)
	}
	path, err := d.store.SaveBackup(saved)
	if err != nil {
		t.Fatal(err)
	}
	b, err := personalize.LoadBackup(path)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, d, "082926101160845740")

	other := newDesk(t, "usim-linked")
	if _, err := other.run.PlanRestore(context.Background(), b, personalize.Expected{}); !errors.As(err, new(*personalize.MismatchError)) {
		t.Errorf("another card: %v", err)
	}
	other.close()

	d.reconnect()
	plan, err := d.run.PlanRestore(context.Background(), b, personalize.Expected{})
	if err != nil || len(plan.Differences) != 2 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if err := d.run.Restore(context.Background(), plan); !errors.Is(err, personalize.ErrNoKeys) {
		t.Errorf("without ADM1: %v", err)
	}
	if d.secrets.ADM1, err = uicc.ADMFromDigits("88888888"); err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	if plan, err = d.run.PlanRestore(context.Background(), b, personalize.Expected{}); err != nil {
		t.Fatal(err)
	}
	if err := d.run.Restore(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	if plan, err = d.run.PlanRestore(context.Background(), b, personalize.Expected{}); err != nil || len(plan.Differences) != 0 {
		t.Errorf("after restoring: %+v, %v", plan.Differences, err)
	}
}

// overwrite puts another EF_IMSI into both copies, as an issuer's tool might.
func overwrite(t *testing.T, d *desk, content string) {
	t.Helper()
	ctx := context.Background()
	raw, err := hex.DecodeString(content)
	if err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	adm, err := uicc.ADMFromDigits("88888888")
	if err != nil {
		t.Fatal(err)
	}
	if err := uicc.Verify(ctx, d.card, uicc.ADM1, adm, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []apdu.Command{uicc.SelectAIDCommand(usimAID), uicc.SelectFID(0x6F07), uicc.UpdateBinary(0, raw), uicc.SelectPath(uicc.Path{0x7F20, 0x6F07}), uicc.UpdateBinary(0, raw)} {
		if _, err := apdu.Do(ctx, d.card, "overwrite", c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupRefusesWhatIsNoIMSI(t *testing.T) {
	d := newDesk(t, "usim-separate")
	defer func() { d.close() }()
	d.secrets.PIN1 = pin(t, "1234")
	for _, content := range []string{"FFFFFFFFFFFFFFFFFF", "00FFFFFFFFFFFFFFFF", "0849060021A3658709"} {
		overwrite(t, d, content)
		d.reconnect()
		if _, _, err := d.run.Save(context.Background(), personalize.Expected{}, false); !errors.As(err, new(*personalize.UnfitError)) {
			t.Errorf("%s: %v", content, err)
		}
		d.reconnect()
		if _, err := d.personalize(firstInsert()); !errors.As(err, new(*personalize.UnfitError)) {
			t.Errorf("personalize with %s: %v", content, err)
		}
	}
}

func TestEncryptedBackup(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer d.close()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	d.run.Backups = []age.Recipient{id.Recipient()}
	result, err := d.personalize(firstInsert())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(result.Backup)
	if err != nil || bytes.Contains(raw, []byte("080910100000214365")) {
		t.Errorf("the backup stands in clear, %v", err)
	}
	if _, err := personalize.LoadBackup(result.Backup); !errors.Is(err, personalize.ErrBackup) {
		t.Errorf("without identity: %v", err)
	}
	b, err := personalize.LoadBackup(result.Backup, id)
	if err != nil || b.Copies[0].Content != "080910100000214365" {
		t.Errorf("%+v, %v", b.Copies, err)
	}
}

func TestDamagedBackup(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer d.close()
	b, _, err := d.run.Save(context.Background(), personalize.Expected{}, false)
	if err != nil {
		t.Fatal(err)
	}
	path, err := d.store.SaveBackup(b)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"changed":  bytes.Replace(good, []byte("080910100000214365"), []byte("080910100000214366"), 1),
		"cut":      good[:len(good)/2],
		"schema":   bytes.Replace(good, []byte("simbind/backup"), []byte("simbind/other"), 1),
		"addition": bytes.Replace(good, []byte(`"version"`), []byte(`"extra": 1, "version"`), 1),
		"empty":    nil,
	} {
		if _, err := personalize.ParseBackup(bad); !errors.Is(err, personalize.ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func FuzzParseBackup(f *testing.F) {
	f.Add([]byte(`{"schema":"simbind/backup","version":1,"copies":[{"place":"ADF.USIM/6F07","content":"080910100000214365"}]}`))
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := personalize.ParseBackup(b); err == nil && len(got.Copies) == 0 {
			t.Fatal("accepted without a copy")
		}
	})
}

// TestQuarantine: a card that is neither as before a broken run nor as it wanted is not rewritten until a person says why it may be.
func TestQuarantine(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	d.reader.SetFaults(mock.Faults{RemoveAt: 17}) // before E0 reaches the card
	if _, err := d.personalize(firstInsert()); !errors.As(err, new(*personalize.InDoubtError)) {
		t.Fatal(err)
	}
	d.reinsert()
	other, err := personalize.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	mine := d.run.Store
	d.run.Store = other // another station, that knows nothing of the broken run, configures the card
	if _, err := d.personalize(wish(preset(t, terminalB))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d.reconnect()
		d.run.Store = mine
		if _, err := d.personalize(firstInsert()); !errors.As(err, new(*personalize.QuarantineError)) {
			t.Fatalf("error %v", err)
		}
	}
	d.reconnect()
	d.run.Store = mine
	result, err := d.personalize(func(uicc.ICCID) (personalize.Wish, error) {
		return personalize.Wish{Configuration: binding.DefaultConfiguration(binding.FirstInsert), Reconfigure: true, Release: "seen by a person"}, nil
	})
	if err != nil || result.Outcome != personalize.OutcomeDone || result.Applet.State.Generation != 2 {
		t.Errorf("released: %+v, %v", result, err)
	}
}

// TestExpectedIMSI is looked at before a key is used, on a card that is configured already too.
func TestExpectedIMSI(t *testing.T) {
	d := newDesk(t, "usim-linked")
	defer func() { d.close() }()
	right := func(imsi string) func(uicc.ICCID) (personalize.Wish, error) {
		return func(uicc.ICCID) (personalize.Wish, error) {
			return personalize.Wish{Configuration: binding.DefaultConfiguration(binding.FirstInsert), Expected: personalize.Expected{IMSI: imsi}}, nil
		}
	}
	if _, err := d.personalize(right("001010000123456")); err != nil {
		t.Fatal(err)
	}
	d.reconnect()
	result, err := d.personalize(right("001010000123456"))
	if n, _ := d.cost(); err != nil || result.Outcome != personalize.OutcomeAsWanted || n > 12 {
		t.Errorf("as wanted: %+v after %d commands, %v", result, n, err)
	}
	d.reconnect()
	saved, _, err := d.run.Save(context.Background(), personalize.Expected{}, false)
	if err != nil {
		t.Fatal(err)
	}
	d.secrets = keys.Card{} // keys would be an error of their own
	ctx := context.Background()
	for name, try := range map[string]func(personalize.Expected) error{
		"personalize": func(x personalize.Expected) error { _, err := d.personalize(right(x.IMSI)); return err },
		"act":         func(x personalize.Expected) error { _, err := d.run.Act(ctx, x, binding.Unbind()); return err },
		"status":      func(x personalize.Expected) error { _, err := d.run.Status(ctx, x, false); return err },
		"full status": func(x personalize.Expected) error { _, err := d.run.Status(ctx, x, true); return err },
		"card":        func(x personalize.Expected) error { _, err := d.run.Identify(ctx, x); return err },
		"backup":      func(x personalize.Expected) error { _, _, err := d.run.Save(ctx, x, false); return err },
		"restore":     func(x personalize.Expected) error { _, err := d.run.PlanRestore(ctx, saved, x); return err },
	} {
		d.reconnect()
		if err := try(personalize.Expected{IMSI: "001010000123457"}); !errors.As(err, new(*personalize.MismatchError)) {
			t.Errorf("%s: another IMSI: %v", name, err)
		}
		d.reconnect()
		if err := try(personalize.Expected{IMSI: "001010000123456"}); errors.As(err, new(*personalize.MismatchError)) {
			t.Errorf("%s: the right IMSI: %v", name, err)
		}
	}
}

// TestExpectedButNotSeen: without keys, a card that shows no IMSI cannot be told to be the expected one.
func TestExpectedButNotSeen(t *testing.T) {
	d := newDesk(t, "usim-separate") // PIN1 is enabled
	defer func() { d.close() }()
	expected := personalize.Expected{IMSI: "001001123456767"}
	if _, err := d.run.Status(context.Background(), expected, false); !errors.As(err, new(*personalize.MismatchError)) {
		t.Errorf("status: %v", err)
	}
	d.reconnect()
	if _, err := d.run.Identify(context.Background(), expected); !errors.As(err, new(*personalize.MismatchError)) {
		t.Errorf("card: %v", err)
	}
	d.reconnect()
	if _, err := d.run.Identify(context.Background(), personalize.Expected{ICCID: "8988211000000430010"}); !errors.As(err, new(*personalize.MismatchError)) {
		t.Errorf("card, another ICCID: %v", err)
	}
}

// TestInterruptedInTheMiddle: an interrupt before the first write ends the run; inside the critical section the card is finished first.
func TestInterruptedInTheMiddle(t *testing.T) {
	for n := 1; n <= 22; n++ {
		d := newDesk(t, "usim-linked")
		ctx, cancel := context.WithCancel(context.Background())
		sent := 0
		card := d.run.Card
		d.run.Card = interrupting{card, func() {
			if sent++; sent == n {
				cancel()
			}
		}}
		plan, err := d.run.Plan(ctx, firstInsert())
		if err == nil {
			_, err = d.run.Apply(ctx, plan)
		}
		cancel()
		begun := n >= 16 // the first STORE DATA
		if n < 15 && !errors.Is(err, context.Canceled) || begun && err != nil {
			t.Errorf("interrupted at command %d: %v", n, err)
		}
		journal, err := d.store.Journal("8988211000000430010")
		if err != nil {
			t.Fatal(err)
		}
		if journal.InDoubt() != nil {
			t.Errorf("interrupted at command %d: the journal ends %+v", n, journal.Entries())
		}
		d.close()
	}
}

// interrupting tells somebody before every command.
type interrupting struct {
	personalize.Card
	before func()
}

func (x interrupting) Transmit(ctx context.Context, c apdu.Command) (apdu.Response, error) {
	x.before()
	if err := ctx.Err(); err != nil {
		return apdu.Response{}, err
	}
	return x.Card.Transmit(ctx, c)
}

// TestRestorePulledAtAnyCommand: the next restore finishes, and a personalization afterwards is not kept away.
func TestRestorePulledAtAnyCommand(t *testing.T) {
	for n := 1; n <= 24; n++ {
		d := newDesk(t, "usim-linked")
		saved, _, err := d.run.Save(context.Background(), personalize.Expected{}, false)
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, d, "082926101160845740")
		adm, err := uicc.ADMFromDigits("88888888")
		if err != nil {
			t.Fatal(err)
		}
		d.secrets.ADM1 = adm
		d.reconnect()
		d.reader.SetFaults(mock.Faults{LoseAt: n})
		restore := func() error {
			plan, err := d.run.PlanRestore(context.Background(), saved, personalize.Expected{})
			if err != nil {
				return err
			}
			return d.run.Restore(context.Background(), plan)
		}
		if err := restore(); err != nil && !errors.Is(err, pcsc.ErrRemoved) {
			t.Fatalf("pulled at command %d: %v", n, err)
		}
		d.reinsert()
		if err := restore(); err != nil {
			t.Errorf("pulled at command %d: next restore: %v", n, err)
		}
		d.reconnect()
		result, err := d.personalize(firstInsert())
		if err != nil {
			t.Fatalf("pulled at command %d: personalize: %v", n, err)
		}
		if b := result.Applet.State.BackupUSIM; b == nil || fmt.Sprintf("%X", *b) != "080910100000214365" {
			t.Errorf("pulled at command %d: the card backs up another IMSI", n)
		}
		d.close()
	}
}
