package personalize_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/usim"
)

// invented is an IMSI that a scenario gives the card.
var invented = [9]byte{0x08, 0x29, 0x26, 0x10, 0x11, 0x60, 0x84, 0x57, 0x40}

// played is a preset card whose EF_IMSI and configuration a scenario changed.
func played(t *testing.T, issuer string) (*desk, *personalize.Play) {
	t.Helper()
	d := newDesk(t, "usim-separate")
	t.Cleanup(d.close)
	d.secrets.ADM1, _ = uicc.ADMFromDigits("88888888")
	d.secrets.PIN1, _ = uicc.PIN("1234")
	if _, err := d.personalize(wish(binding.DefaultConfiguration(binding.FirstInsert))); err != nil {
		t.Fatal(err)
	}
	iccid := d.iccid()
	play, err := d.run.BeginPlay(context.Background(), iccid, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range play.Backup.Copies {
		if issuer == "both" || issuer == c.Place {
			d.write(c.Place, invented)
		}
	}
	d.change(binding.DefaultConfiguration(binding.Off))
	return d, play
}

func (d *desk) reset() {
	d.t.Helper()
	if err := d.run.Reset(context.Background(), true); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) iccid() uicc.ICCID {
	d.t.Helper()
	d.reset()
	id, err := d.run.Known(context.Background(), personalize.Expected{})
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// write is an issuer's UPDATE of a copy.
func (d *desk) write(place string, content [9]byte) {
	d.t.Helper()
	d.reset()
	ctx := context.Background()
	aid, err := usim.FindUSIM(ctx, d.card)
	if err == nil {
		_, err = uicc.SelectAID(ctx, d.card, "ADF.USIM", aid)
	}
	if err == nil {
		err = uicc.Verify(ctx, d.card, uicc.ADM1, d.secrets.ADM1, 1)
	}
	path := uicc.Path{uicc.CurrentADF, usim.EFIMSI.FID}
	if place == personalize.PlaceGSM {
		path = usim.GSMIMSI.Path
	}
	if err == nil {
		_, err = uicc.SelectFilePath(ctx, d.card, "EF_IMSI", path)
	}
	if err == nil {
		_, err = uicc.Update(ctx, d.card, "UPDATE", uicc.UpdateBinary(0, content[:]))
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// change stores a configuration as a line of a scenario does.
func (d *desk) change(c binding.Configuration) {
	d.t.Helper()
	ctx := context.Background()
	id := d.iccid()
	s, _, err := d.run.Channel(ctx, id, func() ([]byte, error) {
		_, err := personalize.SelectApplet(ctx, d.card, d.run.AID)
		return d.run.AID, err
	}, d.secrets.Keys)
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	e0, _ := c.Encode()
	for _, x := range binding.StoreData(e0, s.MaxData()) {
		if _, err := apdu.Do(ctx, s, "STORE DATA", x); err != nil {
			d.t.Fatal(err)
		}
	}
}

func TestPutBack(t *testing.T) {
	for _, issuer := range []string{"", "both", personalize.PlaceUSIM, personalize.PlaceGSM} {
		t.Run(issuer, func(t *testing.T) {
			d, play := played(t, issuer)
			for round := range 2 {
				out, err := d.run.PutBack(context.Background(), play, true)
				if err != nil || len(out.Left) > 0 || (len(out.Done) == 0) != (round == 1) {
					t.Fatalf("round %d: %+v, %v", round, out, err)
				}
			}
			d.reset()
			st, err := d.run.Status(context.Background(), personalize.Expected{}, true)
			if err != nil {
				t.Fatal(err)
			}
			own, _ := play.Backup.Copies[0].Bytes()
			if s := st.Applet.State; s.Status != binding.Armed || s.Files != binding.FilesBackup || *s.BackupUSIM != own || *s.BackupGSM != own {
				t.Errorf("%+v", s)
			}
			d.reset()
			if plan, err := d.run.Plan(context.Background(), wish(binding.DefaultConfiguration(binding.FirstInsert))); err != nil || !plan.AsWanted() {
				t.Errorf("%v, %v", plan, err)
			}
		})
	}
}

// TestPlayedIsRefused: nothing takes the EF_IMSI of a scenario for the subscriber's; a person may.
func TestPlayedIsRefused(t *testing.T) {
	d, play := played(t, "both")
	var is *personalize.PlayedError
	d.reset()
	_, err := d.run.Plan(context.Background(), wish(binding.DefaultConfiguration(binding.FirstInsert)))
	if !errors.As(err, &is) || is.Backup != play.File || !errors.As(err, new(*personalize.QuarantineError)) {
		t.Errorf("Plan: %v", err)
	}
	d.reset()
	if _, _, err := d.run.Save(context.Background(), personalize.Expected{}, false); !errors.As(err, &is) {
		t.Errorf("Save: %v", err)
	}
	again, err := d.run.Broken(uicc.ICCID(play.Backup.ICCID), func(file string) (personalize.Backup, error) { return personalize.LoadBackup(file) })
	if err != nil || again == nil || again.Backup.Copies[0] != play.Backup.Copies[0] || !again.Keyed() {
		t.Errorf("%+v, %v", again, err)
	}
	d.reset()
	w := wish(binding.DefaultConfiguration(binding.FirstInsert))
	_, err = d.run.Plan(context.Background(), func(id uicc.ICCID) (personalize.Wish, error) {
		out, err := w(id)
		out.Release, out.Reconfigure = "looked at", true
		return out, err
	})
	if err != nil {
		t.Errorf("released: %v", err)
	}
	if p, err := d.run.Broken(uicc.ICCID(play.Backup.ICCID), nil); p != nil || err != nil {
		t.Errorf("after the release: %v, %v", p, err)
	}
}

// TestPutBackWithoutADM: what the applet replaced it gives back itself; what only the issuer's code can write is left.
func TestPutBackWithoutADM(t *testing.T) {
	for issuer, want := range map[string]bool{"both": true, personalize.PlaceGSM: true} {
		d, play := played(t, issuer)
		d.run.Close()
		d.secrets.ADM1.Wipe()
		d.secrets = keys.Card{Keys: d.secrets.Keys, PIN1: d.secrets.PIN1}
		out, err := d.run.PutBack(context.Background(), play, true)
		if got := err == nil && len(out.Left) == 0; got != want {
			t.Errorf("%s: %+v, %v", issuer, out, err)
		}
	}
	again := [9]byte{0x08, 0x09, 0x10, 0x10, 0x90, 0x78, 0x56, 0x34, 0x12}
	d, play := played(t, "both")
	d.write(personalize.PlaceUSIM, again) // and once more: the subscriber's is replaced no more
	d.reset()
	d.run.Close()
	d.secrets = keys.Card{Keys: d.secrets.Keys, PIN1: d.secrets.PIN1}
	out, err := d.run.PutBack(context.Background(), play, true)
	if !errors.Is(err, personalize.ErrNoKeys) || !slices.Contains(out.Left, "EF_IMSI of "+personalize.PlaceUSIM) || !slices.Contains(out.Done, "configuration, scheme first-insert") {
		t.Errorf("%+v, %v", out, err)
	}
	if p, _ := d.run.Broken(uicc.ICCID(play.Backup.ICCID), func(string) (personalize.Backup, error) { return play.Backup, nil }); p == nil {
		t.Error("the journal says that it was put back")
	}
	if b, err := d.store.LatestBackup(play.Backup.ICCID); err != nil || b.Copies[0] != play.Backup.Copies[0] {
		t.Errorf("the newest backup holds the scenario's IMSI: %v, %v", b.Copies, err)
	}
}

// TestPlayNeverConfigured: a card that never had a configuration cannot have none again.
func TestPlayNeverConfigured(t *testing.T) {
	d := newDesk(t, "usim-linked")
	t.Cleanup(d.close)
	play, err := d.run.BeginPlay(context.Background(), d.iccid(), true)
	if err != nil {
		t.Fatal(err)
	}
	d.change(binding.DefaultConfiguration(binding.FirstInsert))
	out, err := d.run.PutBack(context.Background(), play, true)
	if err != nil || len(out.Left) > 0 || !slices.ContainsFunc(out.Never, func(s string) bool { return strings.Contains(s, "never configured") }) {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestPlayDamagedBackup: what a backup says of the applet is read as carefully as the rest.
func TestPlayDamagedBackup(t *testing.T) {
	d, play := played(t, "")
	for name, spoil := range map[string]func(*personalize.BackupState){
		"configuration": func(s *personalize.BackupState) { s.Configuration = "E003800109" },
		"state":         func(s *personalize.BackupState) { s.State = "E100" },
		"no hex":        func(s *personalize.BackupState) { s.State = "zz" },
	} {
		state := *play.Backup.Applet
		spoil(&state)
		bad := *play
		bad.Backup.Applet = &state
		if _, err := d.run.PutBack(context.Background(), &bad, true); !errors.Is(err, personalize.ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoPlayInDoubt: a card that is in doubt, or in quarantine, is not played on, and a play does not end a quarantine.
func TestNoPlayInDoubt(t *testing.T) {
	for _, mark := range []personalize.Mark{personalize.MarkIntent, personalize.MarkQuarantine} {
		d, play := played(t, "")
		if _, err := d.run.PutBack(context.Background(), play, true); err != nil {
			t.Fatal(err)
		}
		d.run.Close()
		journal, err := d.store.Journal(play.Backup.ICCID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []personalize.Entry{
			{Mark: mark, Verb: "personalize", ICCID: play.Backup.ICCID, Reason: "looked odd"},
			{Mark: personalize.MarkVerified, Verb: "terminal run", ICCID: play.Backup.ICCID},
		} {
			e.Time, e.Run = d.clock(), "x"
			if err := journal.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.run.BeginPlay(context.Background(), d.iccid(), true); !errors.As(err, new(*personalize.QuarantineError)) {
			t.Errorf("%s: %v", mark, err)
		}
		if mark == personalize.MarkQuarantine && !journal.Quarantined() {
			t.Error("the play ended the quarantine")
		}
	}
}

// TestNeverConfiguredWithoutKeys: a configuration that the scenario stored with keys on a card that had none is not put back without keys, and
// nothing may say that it was.
func TestNeverConfiguredWithoutKeys(t *testing.T) {
	d := newDesk(t, "usim-linked")
	t.Cleanup(d.close)
	d.secrets.ADM1, _ = uicc.ADMFromDigits("88888888")
	play, err := d.run.BeginPlay(context.Background(), d.iccid(), true)
	if err != nil {
		t.Fatal(err)
	}
	d.change(binding.DefaultConfiguration(binding.FirstInsert))
	out, err := d.run.PutBack(context.Background(), play, false)
	if err != nil || len(out.Left) == 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if p, err := d.run.Broken(uicc.ICCID(play.Backup.ICCID), func(string) (personalize.Backup, error) { return play.Backup, nil }); p == nil || err != nil {
		t.Errorf("the journal says that it was put back: %v", err)
	}
}

// TestPlayNamesItsBackupForEveryFolder: the card is put back from another working folder.
func TestPlayNamesItsBackupForEveryFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	d := newDesk(t, "usim-linked")
	t.Cleanup(d.close)
	var err error
	if d.store, err = personalize.OpenStore("state"); err != nil {
		t.Fatal(err)
	}
	d.run.Store = d.store
	play, err := d.run.BeginPlay(context.Background(), d.iccid(), true)
	if err != nil || !filepath.IsAbs(play.File) {
		t.Errorf("%s, %v", play.File, err)
	}
}

// TestNoActionOnAPlayedCard: what a person tells the applet meanwhile would be undone, and would restore the scenario's IMSI.
func TestNoActionOnAPlayedCard(t *testing.T) {
	d, play := played(t, "both")
	d.reset()
	if _, err := d.run.Act(context.Background(), personalize.Expected{}, binding.Unbind()); !errors.As(err, new(*personalize.PlayedError)) {
		t.Errorf("%v", err)
	}
	if out, err := d.run.PutBack(context.Background(), play, true); err != nil || len(out.Left) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestSaveOfADeniedCard: a denial value that could be an IMSI is not saved as the subscriber's.
func TestSaveOfADeniedCard(t *testing.T) {
	for _, image := range []string{"usim-linked", "usim-separate"} {
		d := newDesk(t, image)
		t.Cleanup(d.close)
		d.secrets.PIN1, _ = uicc.PIN("1234")
		c := binding.DefaultConfiguration(binding.Preset)
		c.Patterns = append(c.Patterns, binding.Pattern{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51})
		c.Denial = invented
		if _, err := d.personalize(wish(c)); err != nil {
			t.Fatal(err)
		}
		d.boot("352099001761481")
		d.reset()
		if b, _, err := d.run.Save(context.Background(), personalize.Expected{}, false); !errors.As(err, new(*personalize.UnfitError)) {
			t.Errorf("%s: %v, %v", image, b.Copies, err)
		}
		d.reset()
		if b, _, err := d.run.Save(context.Background(), personalize.Expected{}, true); err != nil || b.Copies[0].From != "applet" {
			t.Errorf("%s, with keys: %v, %v", image, b.Copies, err)
		}
	}
}

// TestPutBackOnANewApplet: the applet was installed anew meanwhile: it gets the configuration that was saved.
func TestPutBackOnANewApplet(t *testing.T) {
	d, play := played(t, "")
	other := newDesk(t, "usim-separate")
	t.Cleanup(other.close)
	d.chip = other.chip
	d.reinsert()
	out, err := d.run.PutBack(context.Background(), play, true)
	if err != nil || len(out.Left) > 0 || !slices.Contains(out.Done, "configuration, scheme first-insert") {
		t.Errorf("%+v, %v", out, err)
	}
}
