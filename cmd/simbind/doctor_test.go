package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/diagnose"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/tlv"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/plug"
)

// patient is a virtual card with something the matter, or nothing.
type patient struct {
	image  string                      // default: usim-linked
	e0     string                      // configuration it comes with, hex
	change func(*image.Image)          // before it is made
	says   []byte                      // E1 value of an applet that says just that, instead of the model
	fci    []byte                      // whole answer to SELECT of the applet, instead of says
	live   func(*testing.T, *ward)     // what happened to it
	wrap   func(*vuicc.Card) mock.Chip // what the card is through
	store  func(*testing.T, *personalize.Store)
}

const preset = "E00C 8001 02 8107 49015420323751"

// ward is a reader with the patient in it.
type ward struct {
	service *mock.Service
	reader  *mock.Reader
	chip    *vuicc.Card
	state   string
}

func admit(t *testing.T, p patient, opts ...vuicc.Option) *ward {
	t.Helper()
	name := p.image
	if name == "" {
		name = "usim-linked"
	}
	img, err := image.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	if p.e0 != "" {
		img.Applets[0].Application = append(img.Applets[0].Application, unhex(t, p.e0)...)
	}
	if p.change != nil {
		p.change(&img)
	}
	opts = append(opts, vuicc.WithRand(rand.New(rand.NewSource(5))))
	fci := p.fci
	if p.says != nil {
		fci = answer(t, "0100", 0x01, p.says)
	}
	if fci != nil {
		opts = append(opts, vuicc.WithModule(img.Applets[0].Module, func(plug.Env) plug.Applet { return speaker{fci: fci} }))
	}
	w := &ward{service: mock.New(), state: t.TempDir()}
	if w.chip, err = vuicc.New(img, opts...); err != nil {
		t.Fatal(err)
	}
	var chip mock.Chip = w.chip
	if p.wrap != nil {
		chip = p.wrap(w.chip)
	}
	w.reader = w.service.AddReader("Ward")
	w.reader.Insert(chip)
	if p.live != nil {
		p.live(t, w)
	}
	if p.store != nil {
		store, err := personalize.OpenStore(w.state)
		if err != nil {
			t.Fatal(err)
		}
		p.store(t, store)
	}
	return w
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// call runs the program against the ward's reader.
func (w *ward) call(args ...string) (code int, out, talk string) {
	var stdout, stderr bytes.Buffer
	a := &app{
		in: strings.NewReader(""), out: &stdout, err: &stderr, now: time.Now, rand: rand.New(rand.NewSource(9)), proc: w.state,
		readers: func() (pcsc.Service, error) { return w.service, nil },
	}
	code = a.execute(context.Background(), append([]string{"--state-dir", w.state}, args...))
	return code, stdout.String(), stderr.String()
}

// visit connects to the card as a program of its own does.
func (w *ward) visit(t *testing.T, do func(pcsc.Card)) {
	t.Helper()
	c, err := w.service.Connect(context.Background(), "Ward", pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do(c)
}

func (w *ward) send(t *testing.T, commands ...string) {
	t.Helper()
	w.visit(t, func(c pcsc.Card) {
		for _, s := range commands {
			cmd, err := apdu.Parse(unhex(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Transmit(context.Background(), cmd); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// starts plays terminal starts.
func starts(cfgs ...cat.Config) func(*testing.T, *ward) {
	return func(t *testing.T, w *ward) {
		for _, cfg := range cfgs {
			profile, err := cat.NamedProfile("phone")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Profile, cfg.ADF = profile, image.USIM()
			w.visit(t, func(c pcsc.Card) {
				if _, err := cat.New(c, c, cfg).Boot(context.Background()); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

var (
	rightOne = cat.Config{IMEI: "490154203237518"}
	wrongOne = cat.Config{IMEI: "352099001761481"}
)

// speaker is an applet that answers SELECT with fixed bytes.
type speaker struct{ fci []byte }

func (s speaker) Install(plug.InstallParameters) error { return nil }
func (s speaker) Select(apdu.Command) apdu.Response {
	return apdu.Response{Data: s.fci, SW: apdu.SWOK}
}
func (s speaker) Process(apdu.Command) apdu.Response     { return apdu.Response{SW: apdu.SWUnknownINS} }
func (s speaker) ProcessData(apdu.Command) apdu.Response { return apdu.Response{SW: apdu.SWUnknownINS} }
func (s speaker) Deselect(int)                           {}
func (s speaker) Toolkit(plug.Event)                     {}
func (s speaker) Uninstall()                             {}
func (s speaker) PoweredUp()                             {}

// answer is the FCI of the applet (card interface §2) with the version of the interface and the value of E1 given.
func answer(t *testing.T, aid string, version byte, e1 []byte) []byte {
	t.Helper()
	e3 := slices.Concat(tlv.Encode(0x80, unhex(t, aid)), tlv.Encode(0x81, []byte{version}), tlv.Encode(0x82, []byte{16}), tlv.Encode(0x83, []byte{7}), tlv.Encode(0x84, image.USIM()), tlv.Encode(0x85, []byte{1}))
	return tlv.Encode(0x6F, slices.Concat(tlv.Encode(0x84, unhex(t, "F053494D42494E4401")), tlv.Encode(0xA5, slices.Concat(tlv.Encode(0xE3, e3), tlv.Encode(0xE1, e1)))))
}

// state is the value of an E1: a preset card that allowed its terminal, with tags replaced.
func state(t *testing.T, replace map[tlv.Tag]string) []byte {
	t.Helper()
	var out []byte
	for _, x := range []struct {
		tag   tlv.Tag
		value string
	}{
		{0x80, "04"}, {0x81, "01"}, {0x82, "02"}, {0x84, "49015420FFFFFF"}, {0x85, "0001000100000000"}, {0x86, "0001"}, {0x87, "01"},
		{0x89, "00"}, {0x90, "00"}, {0x93, "0001"},
	} {
		if v, ok := replace[x.tag]; ok {
			x.value = v
		}
		out = tlv.Append(out, x.tag, unhex(t, x.value))
	}
	return out
}

// lying is a card whose answer to one command is another.
type lying struct {
	*vuicc.Card
	to, say []byte
}

func (l lying) Process(c []byte) ([]byte, error) {
	r, err := l.Card.Process(c)
	if bytes.HasPrefix(c, l.to) {
		return l.say, err
	}
	return r, err
}

// file changes the content of files of an image.
func file(content map[string]string) func(*image.Image) {
	return func(i *image.Image) {
		for path, s := range content {
			b, err := hex.DecodeString(s)
			if err != nil || i.File(path) == nil {
				panic(fmt.Sprintf("%s: %v", path, err))
			}
			i.File(path).Content = b
		}
	}
}

func blankDIR(i *image.Image) {
	f := i.File("3F00/2F00")
	f.Content = bytes.Repeat([]byte{0xFF}, len(f.Content))
}

func xor(b []byte) (sum byte) {
	for _, v := range b {
		sum ^= v
	}
	return sum
}

const (
	blankIMSI  = "FFFFFFFFFFFFFFFFFF"
	otherIMSI  = "082926101160845740"
	linkedIMSI = "3F00/7F20/6F07"
	wrongPIN1  = "002000010839393939FFFFFFFF"
	wrongADM1  = "0020000A083939393939393939"
	lockCard   = "80F0807F08A000000151000000"
)

// patients has a virtual card for every finding that a card can have.
func patients(t *testing.T) map[string]patient {
	says := func(replace map[tlv.Tag]string) patient { return patient{says: state(t, replace)} }
	failed := func(code string) patient { return says(map[tlv.Tag]string{0x89: code}) }
	return map[string]patient{
		"atr_malformed": {e0: preset, live: starts(rightOne), change: func(i *image.Image) { i.ATR[len(i.ATR)-1] ^= 1 }},
		"card_locked":   {live: lockIt},
		"usim_unlisted": {change: blankDIR},
		"no_usim": {image: "no-applet", change: func(i *image.Image) {
			blankDIR(i)
			i.Files = slices.DeleteFunc(i.Files, func(f image.File) bool { return strings.HasPrefix(f.Path, "ADF1") })
		}},
		"pin1_blocked": {image: "usim-separate", live: func(t *testing.T, w *ward) { w.send(t, wrongPIN1, wrongPIN1, wrongPIN1) }},
		"pin1_low":     {image: "usim-separate", live: func(t *testing.T, w *ward) { w.send(t, wrongPIN1, wrongPIN1) }},
		"pin1_enabled": {image: "usim-separate"},
		"adm1_blocked": {live: func(t *testing.T, w *ward) { w.send(t, wrongADM1, wrongADM1, wrongADM1) }},
		"adm1_low":     {live: func(t *testing.T, w *ward) { w.send(t, wrongADM1, wrongADM1) }},
		"key_set_missing": {wrap: func(c *vuicc.Card) mock.Chip {
			return lying{c, []byte{0x80, 0xCA, 0x00, 0xE0}, []byte{0xE0, 0x06, 0xC0, 0x04, 0x01, 0x73, 0xA0, 0x80, 0x90, 0x00}}
		}},
		"voltage_class": {image: "no-applet", change: func(i *image.Image) {
			i.ATR = unhex(t, "3B9F95801F438031E073FE211B674A4C75303405"+"4BA9")
			i.ATR[len(i.ATR)-1] = xor(i.ATR[1 : len(i.ATR)-1])
		}},
		"sequence_counter_high": {wrap: func(c *vuicc.Card) mock.Chip {
			return lying{c, []byte{0x80, 0xCA, 0x00, 0xC1}, []byte{0xC1, 0x02, 0xFF, 0xF0, 0x90, 0x00}}
		}},
		"iccid_check_digit": {change: file(map[string]string{"3F00/2FE2": "988812010000400310F1"})},

		"service_130": {image: "usim-supi"},
		"imsi_missing": {image: "usim-only", change: func(i *image.Image) {
			i.Files = slices.DeleteFunc(i.Files, func(f image.File) bool { return f.Path == "ADF1/6F07" })
		}},
		"imsi_deactivated":       {image: "no-applet", change: func(i *image.Image) { i.File("ADF1/6F07").State = 0x04 }},
		"imsi_blank":             {image: "no-applet", change: file(map[string]string{"ADF1/6F07": blankIMSI})},
		"imsi_implausible":       {image: "no-applet", change: file(map[string]string{"ADF1/6F07": "080010100000214365"})},
		"imsi_denial_value":      {e0: preset, live: starts(rightOne, wrongOne)},
		"strict_start_hides":     {e0: "E00F 8001 02 8107 49015420323751 8301 02", live: starts(rightOne)},
		"imsi_copies_differ":     {image: "no-applet", change: file(map[string]string{linkedIMSI: otherIMSI})},
		"imsi_unknown_to_applet": says(map[tlv.Tag]string{0x81: "02"}),
		"no_toolkit":             {change: file(map[string]string{"ADF1/6F38": "0000100000000000000000000000000000"})},

		"denied_other":           {e0: preset, live: starts(rightOne, wrongOne)},
		"denied_no_imei":         {e0: preset, live: starts(cat.Config{Result: 0x30})},
		"applet_unknown_version": {fci: answer(t, "0200", 0x02, nil)},
		"applet_foreign":         {fci: tlv.Encode(0x6F, slices.Concat(tlv.Encode(0x84, unhex(t, "A000000151000000")), tlv.Encode(0xA5, nil)))},
		"applet_missing":         {image: "no-applet-t1"},
		"unconfigured":           {},
		"armed":                  {e0: "E003 8001 01"},
		"switched_off":           {e0: "E003 8001 00"},
		"observe_only":           {e0: "E00F 8001 02 8107 49015420323751 8301 20", live: starts(wrongOne)},
		"backup_missing":         {e0: preset, change: file(map[string]string{linkedIMSI: blankIMSI}), live: starts(rightOne)},
		"usim_unmanaged":         {image: "usim-separate", change: unmanaged(t), live: starts(rightOne)},
		"decision_pending":       {e0: preset, live: starts(cat.Config{Silent: true})},
		"resets_without_decision": {e0: preset, live: func(t *testing.T, w *ward) { // a terminal without toolkit, day after day
			starts(slices.Repeat([]cat.Config{{NoCAT: true}}, 8)...)(t, w)
		}},

		"applet_cannot_read": failed("01"),
		"access_domain_small": {e0: preset, live: starts(wrongOne), change: func(i *image.Image) {
			for n := range i.Applets[0].Access {
				i.Applets[0].Access[n].Domain = image.Hex{0x02, 0x01, 0x00, 0x04} // as PIN1: EF_IMSI is read, not written
			}
		}},
		"refresh_refused": {e0: preset, live: starts(rightOne, cat.Config{IMEI: wrongOne.IMEI, Refresh: 0x30})},
		"memory_failed":   failed("04"),
		"content_unknown": {e0: preset, change: file(map[string]string{linkedIMSI: "080010100000214365"}), live: starts(rightOne)},
		"strict_resting":  failed("06"),
		"failure_unknown": failed("1F"),

		"location_stale":       {change: file(map[string]string{"ADF1/6F7E": "FFFFFFFF62F210" + "1234FF01"})},
		"network_refused":      {change: file(map[string]string{"ADF1/6F7E": "FFFFFFFF00F110" + "1234FF02"})},
		"location_abroad":      {change: file(map[string]string{"ADF1/6F7E": "1122334462F210" + "1234FF00"})},
		"access_class_missing": {change: file(map[string]string{"ADF1/6F78": "0000"})},
		"services_limited": {change: func(i *image.Image) {
			i.File("ADF1/6F38").Content[0] |= 0x02 // fixed dialling numbers
			est := *i.File("ADF1/6FAD")
			est.Path, est.Name, est.FID, est.SFI, est.Content = "ADF1/6F56", "EF_EST", 0x6F56, 0x05, image.Hex{0x01}
			i.Files = append(i.Files, est)
		}},
		"operation_mode":     {change: file(map[string]string{"ADF1/6FAD": "80000002"})},
		"mnc_length_unknown": {change: file(map[string]string{"ADF1/6FAD": "00000000"})},
		"home_forbidden":     {change: file(map[string]string{"ADF1/6F7B": "62F21000F110FFFFFFFFFFFF"})},
		"pairing_refused":    {change: file(map[string]string{"ADF1/6FF1": "4B4F01FF4F4B01FFFFFFFFFFFFFFFFFF"})},
		"pairing_files": {change: func(i *image.Image) {
			file(map[string]string{"ADF1/6FF1": "4F4B01FF4B4F01FFFFFFFFFFFFFFFFFF", "ADF1/6FF2": "80084A09512430325781" + strings.Repeat("FF", 20)})(i)
			i.File("ADF1/6FF2").Rule = 1 // read by everybody
		}},

		"key_attempts": {store: func(t *testing.T, s *personalize.Store) {
			a, err := s.Attempts("8988211000000430010")
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Begin(time.Now(), 0x30); err != nil {
				t.Fatal(err)
			}
		}},
		"station_backup_differs": {store: func(t *testing.T, s *personalize.Store) {
			_, err := s.SaveBackup(personalize.Backup{
				ICCID: "8988211000000430010", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				Copies: []personalize.BackupCopy{{Place: personalize.PlaceUSIM, Content: otherIMSI, From: "file"}},
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
	}
}

// lockIt locks the card, as its issuer does.
func lockIt(t *testing.T, w *ward) {
	w.visit(t, func(c pcsc.Card) {
		fci, _, err := gp.SelectDomain(context.Background(), c, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := gp.Open(context.Background(), c, gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}, gp.Options{Level: gp.LevelCMAC, AID: fci.AID, Rand: rand.New(rand.NewSource(1))})
		if err != nil {
			t.Fatal(err)
		}
		lock, err := apdu.Parse(unhex(t, lockCard))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := apdu.Do(context.Background(), s, "SET STATUS", lock); err != nil {
			t.Fatal(err)
		}
	})
}

// healthy is bound, allowed and in order.
var healthy = patient{e0: preset, live: starts(rightOne)}

// TestEveryFinding has a card for every finding, shows it with its next step in both forms, and counts what the card saw: no
// update, no code, and no write but the one the applet itself makes at the first command after any reset.
func TestEveryFinding(t *testing.T) {
	seen := map[string]bool{}
	for id, p := range patients(t) {
		seen[id] = true
		t.Run(id, func(t *testing.T) {
			w := admit(t, p)
			before := w.chip.Counters()
			code, out, talk := w.call("doctor", "--json")
			if code != exitDone {
				t.Fatalf("exit %d: %s", code, talk)
			}
			unharmed(t, w, p, before)
			if err := validate("doctor", out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var r struct{ Findings []map[string]string }
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(r.Findings, func(f map[string]string) bool { return f["id"] == id })
			if i < 0 {
				t.Fatalf("not found:\n%s", out)
			}
			_, text, _ := w.call("doctor")
			f := r.Findings[i]
			for _, want := range []string{f["severity"] + " " + id + ": " + f["what"], "next: " + f["next"], "more: docs/field.md#" + id, "evidence: "} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			for _, secret := range []string{"8988211000000430010", "001010000123456", "262011106487504", "490154203237518", "49015420323751", "352099001761481"} {
				if strings.Contains(text+out, secret) {
					t.Errorf("%s is shown whole:\n%s", secret, text)
				}
			}
		})
	}
	for _, id := range diagnose.IDs() {
		if _, link := diagnose.Link(id, "x"); !seen[id] && !link {
			t.Errorf("no card has %s", id)
		}
	}
}

// unharmed compares with a twin of which a terminal asked one thing after a reset.
func unharmed(t *testing.T, w *ward, p patient, before vuicc.Counters) {
	t.Helper()
	after := w.chip.Counters()
	if after.Updates != before.Updates || after.Verify != before.Verify || after.Proactive != before.Proactive {
		t.Errorf("the card was changed: %+v, before %+v", after, before)
	}
	if p.says != nil || p.fci != nil {
		if after.Writes != before.Writes {
			t.Errorf("%d writes", after.Writes-before.Writes)
		}
		return
	}
	twin := admit(t, p)
	unasked := twin.chip.Counters().Writes
	twin.send(t, "00A40004023F0000")
	if got, want := after.Writes-before.Writes, twin.chip.Counters().Writes-unasked; got != want {
		t.Errorf("%d writes of memory, a SELECT after a reset makes %d", got, want)
	}
}

// TestHealthy: nothing is found on a card that is in order, in few commands and little time.
func TestHealthy(t *testing.T) {
	w := admit(t, healthy, vuicc.WithTiming(vuicc.Timing{BitRate: 115200, Overhead: 5 * time.Millisecond, Think: 10 * time.Millisecond, Page: 64, Write: 4 * time.Millisecond}))
	before, since := w.chip.Counters(), w.chip.Elapsed()
	code, out, talk := w.call("doctor", "--exit-code")
	if code != exitDone || !strings.HasPrefix(out, "ALLOWED: the last device, 49015420******, was allowed, and EF_IMSI is the subscriber's") || !strings.Contains(out, "nothing was found") {
		t.Fatalf("exit %d\n%s%s", code, out, talk)
	}
	commands, took := w.chip.Counters().Commands-before.Commands, w.chip.Elapsed()-since
	if commands >= 40 || took >= 2*time.Second {
		t.Errorf("%d commands, %s", commands, took)
	}
	t.Logf("%d commands, %s at the speed of a real card", commands, took)
	unharmed(t, w, healthy, before)

	_, asJSON, _ := w.call("doctor", "--json")
	if err := validate("doctor", asJSON); err != nil || !strings.Contains(asJSON, `"findings": []`) {
		t.Errorf("%v\n%s", err, asJSON)
	}
	for _, id := range diagnose.IDs() {
		if strings.Contains(out, id+":") || strings.Contains(asJSON, `"id": "`+id) {
			t.Errorf("%s on a card that has it not", id)
		}
	}
}

// broken is a chip that answers with less than a status word.
type broken struct{ mock.Chip }

func (broken) Process([]byte) ([]byte, error) { return []byte{0x90}, nil }

// TestWayToTheCard: what keeps a card from being asked is a finding too, with the exit code it always has.
func TestWayToTheCard(t *testing.T) {
	reader := func(f mock.Faults) func(*testing.T) (pcsc.Service, error) {
		return func(t *testing.T) (pcsc.Service, error) {
			s := mock.New()
			r := s.AddReader("Ward")
			r.Insert(admit(t, healthy).chip)
			r.SetFaults(f)
			return s, nil
		}
	}
	for id, row := range map[string]struct {
		service func(*testing.T) (pcsc.Service, error)
		exit    int
	}{
		"no_service":       {func(*testing.T) (pcsc.Service, error) { s := mock.New(); s.Stop(); return s, nil }, exitNoCard},
		"no_pcsc_in_build": {func(*testing.T) (pcsc.Service, error) { return nil, &pcsc.Error{Op: "PC/SC", Err: pcsc.ErrNotBuilt} }, exitNoCard},
		"no_reader":        {func(*testing.T) (pcsc.Service, error) { return mock.New(), nil }, exitNoCard},
		"no_card":          {func(*testing.T) (pcsc.Service, error) { s := mock.New(); s.AddReader("Ward"); return s, nil }, exitNoCard},
		"reader_in_use":    {reader(mock.Faults{Busy: 9}), exitBusy},
		"card_mute":        {reader(mock.Faults{Mute: true}), exitNoCard},
		"card_removed":     {reader(mock.Faults{RemoveAt: 7}), exitNoCard},
		"card_reset":       {reader(mock.Faults{ResetAt: 7}), exitNoCard},
		"link": {func(t *testing.T) (pcsc.Service, error) {
			s := mock.New()
			s.AddReader("Ward").Insert(broken{admit(t, healthy).chip})
			return s, nil
		}, exitNoCard},
	} {
		t.Run(id, func(t *testing.T) {
			for _, form := range []string{"", "--json"} {
				service, err := row.service(t)
				proc := t.TempDir()
				if err := os.MkdirAll(filepath.Join(proc, "4711"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(proc, "4711", "comm"), []byte("scdaemon\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				var out, talk bytes.Buffer
				a := &app{in: strings.NewReader(""), out: &out, err: &talk, now: time.Now, rand: rand.New(rand.NewSource(9)), proc: proc, readers: func() (pcsc.Service, error) { return service, err }}
				code := a.execute(context.Background(), slices.DeleteFunc([]string{"--state-dir", t.TempDir(), "doctor", form}, func(s string) bool { return s == "" }))
				want, _ := diagnose.Link(id, "")
				if code != row.exit || !strings.Contains(out.String(), want.Next) || !strings.Contains(out.String(), id) || !strings.Contains(out.String(), want.What) {
					t.Errorf("exit %d, want %d\n%s%s", code, row.exit, out.String(), talk.String())
				}
				if form != "" {
					if err := validate("doctor", out.String()); err != nil {
						t.Error(err)
					}
				}
				if id == "reader_in_use" && !strings.Contains(out.String(), "running now: scdaemon (process 4711)") {
					t.Errorf("who holds it is not said:\n%s", out.String())
				}
			}
		})
	}
}

// TestLinkFailureIsNoFinding: a failure that has no row keeps its error.
func TestLinkFailureIsNoFinding(t *testing.T) {
	a := &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	want := errors.New("something else")
	if got := a.linkFinding(diagnose.Show{}, want); !errors.Is(got, want) {
		t.Errorf("%v", got)
	}
}
