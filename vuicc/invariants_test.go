package vuicc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// The invariants of docs/card-interface.md §10, held after every power cut at every persistent write of a life of a card.

const (
	imeiA, imeiB = "490154203237518", "352099001761481"
	oldIMSI      = "080910000110325476"
	newIMSI      = "082926101160845740"
	denialNone   = "00FFFFFFFFFFFFFFFF"
	denialIMSI   = "080910100000000999" // plausible: 001010000000999? an unallocated subscriber
)

// event is one thing that happens to a card: a terminal's start, or an issuer writing EF_IMSI.
type event struct {
	imei   string // of the terminal; "-": it gives none
	issuer string // content the issuer writes into every copy, with ADM1
}

func start(imei string) event     { return event{imei: imei} }
func writes(content string) event { return event{issuer: content} }

// life is a card, its configuration and what happens to it. After the events terminal A must be served as last says.
type life struct {
	name, image string
	e0          string // template E0 of the first configuration
	denial      string
	events      []event
	imsi        string // the subscriber's EF_IMSI at the end
	last        binding.Decision
	files       binding.Files
}

func pattern(imei string) string { return "8107" + imei[:14] }

var lives = []life{
	{"first insert", "usim-separate", "E003800101", denialNone, []event{start(imeiA), start(imeiB), start(imeiA)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"linked copies", "usim-linked", "E003800101", denialNone, []event{start(imeiA), start(imeiB), start(imeiA)}, "080910100000214365", binding.Allowed, binding.FilesBackup},
	{"preset, foreign first", "usim-separate", "E00C800102" + pattern(imeiA), denialNone, []event{start(imeiB), start("-"), start(imeiB)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"preset to another", "usim-separate", "E00C800102" + pattern(imeiB), denialNone, []event{start(imeiB), start(imeiA)}, oldIMSI, binding.DeniedOther, binding.FilesDenial},
	{"plausible denial value", "usim-separate", "E017800102" + pattern(imeiA) + "8409" + denialIMSI, denialIMSI, []event{start(imeiB), start(imeiA), start(imeiB)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"strict start", "usim-separate", "E00F800102" + pattern(imeiA) + "830102", denialNone, []event{start(imeiA), start(imeiB), start(imeiA)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"strict start, reset", "usim-separate", "E012800102" + pattern(imeiA) + "830102850104", denialNone, []event{start(imeiA), start(imeiB)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"REFRESH by reset", "usim-separate", "E00F800102" + pattern(imeiA) + "850104", denialNone, []event{start(imeiB), start(imeiA)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"keep location", "usim-separate", "E00F800102" + pattern(imeiA) + "830110", denialNone, []event{start(imeiB), start(imeiA)}, oldIMSI, binding.Allowed, binding.FilesBackup},
	{"observe only", "usim-separate", "E00F800102" + pattern(imeiB) + "830120", denialNone, []event{start(imeiA), start(imeiB)}, oldIMSI, binding.DeniedOther, binding.FilesBackup},
	{"off", "usim-separate", "E003800100", denialNone, []event{start(imeiA), start(imeiB)}, oldIMSI, binding.AllowedOff, binding.FilesBackup},
	{"issuer writes while allowed", "usim-separate", "E00C800102" + pattern(imeiA), denialNone, []event{start(imeiA), writes(newIMSI), start(imeiB)}, newIMSI, binding.Allowed, binding.FilesBackup},
	{"issuer writes while denied", "usim-separate", "E00C800102" + pattern(imeiA), denialNone, []event{start(imeiB), writes(newIMSI), start(imeiB)}, newIMSI, binding.Allowed, binding.FilesBackup},
}

// world runs one life.
type world struct {
	t    *testing.T
	life life
	card *vuicc.Card
	imsi string // what the subscriber has now
}

func begin(t *testing.T, l life) *world {
	t.Helper()
	img, err := image.Get(l.image)
	if err != nil {
		t.Fatal(err)
	}
	e0, err := hex.DecodeString(l.e0)
	if err != nil {
		t.Fatal(err)
	}
	img.Applets[0].Application = append(bytes.Clone(img.Applets[0].Application), e0...)
	card, err := vuicc.New(img, vuicc.WithRand(rand.New(rand.NewSource(1))))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, life: l, card: card}
	w.imsi = fmt.Sprintf("%X", w.file("3F00/7F20/6F07"))
	return w
}

func (w *world) file(path string) []byte {
	for _, f := range w.card.Files() {
		if f.Path == path {
			return f.Content
		}
	}
	return nil
}

// cell is a cell of the applet's memory.
func (w *world) cell(name string) []byte {
	return w.card.NVM().Get("applet/f053494d42494e4401/m/" + name)
}

// contacts lets the terminal talk to the card.
type contacts struct{ c *vuicc.Card }

var errCut = errors.New("the card lost its power")

func (x contacts) Transmit(_ context.Context, c apdu.Command) (apdu.Response, error) {
	raw, err := c.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	out, err := x.c.Process(raw)
	if err != nil {
		return apdu.Response{}, errCut
	}
	return apdu.ParseResponse(out)
}

// link is the card with its T=0 manner hidden, if it has one.
func link(c *vuicc.Card) apdu.Transmitter { return apdu.WithGetResponse(contacts{c}, c.T0()) }

func (x contacts) Reset(context.Context, bool) error {
	if _, err := x.c.Reset(); err != nil {
		return errCut
	}
	return nil
}

// happen lets one event happen; cut tells that the power went.
func (w *world) happen(e event) (cut bool) {
	w.t.Helper()
	if _, err := w.card.PowerOn(); err != nil {
		w.t.Fatal(err)
	}
	talkTo := link(w.card)
	var err error
	if e.issuer != "" {
		err = w.issue(talkTo, e.issuer)
	} else {
		err = w.boot(talkTo, e.imei)
	}
	if err != nil && !errors.Is(err, errCut) {
		w.t.Fatal(err)
	}
	return err != nil
}

func (w *world) boot(link apdu.Transmitter, imei string) error {
	profile, err := cat.NamedProfile("phone")
	if err != nil {
		return err
	}
	report, err := cat.New(link, contacts{w.card}, cat.Config{Profile: profile, IMEI: strings.Trim(imei, "-"), ADF: image.USIM()}).Boot(context.Background())
	if report.Resets > 3 {
		w.t.Errorf("I4: %d resets in one start", report.Resets)
	}
	return err
}

// issue writes EF_IMSI with ADM1 into every copy, one file after the other.
func (w *world) issue(link apdu.Transmitter, content string) error {
	raw, err := hex.DecodeString(content)
	if err != nil {
		return err
	}
	adm := []byte("88888888")
	commands := []apdu.Command{
		{INS: 0x20, P2: 0x0A, Data: adm},
		{INS: 0xA4, P1: 0x08, P2: 0x0C, Data: []byte{0x7F, 0x20, 0x6F, 0x07}}, {INS: 0xD6, Data: raw},
		{INS: 0xA4, P1: 0x04, P2: 0x0C, Data: image.USIM()}, {INS: 0xD6, P1: 0x87, Data: raw},
	}
	for _, c := range commands {
		r, err := link.Transmit(context.Background(), c)
		if err != nil {
			return err
		}
		if !r.SW.OK() {
			return r.SW
		}
	}
	w.imsi = content
	return nil
}

// holds checks what must be true at every moment, power or not.
func (w *world) holds(when string, known ...string) {
	w.t.Helper()
	copies := map[string]string{"backup.usim": "ADF1/6F07", "backup.gsm": "3F00/7F20/6F07"}
	for cell, path := range copies {
		content := fmt.Sprintf("%X", w.file(path))
		backup := fmt.Sprintf("%X", w.cell(cell))
		if w.life.image == "usim-linked" && cell == "backup.gsm" {
			continue // one file: its backup is the USIM's
		}
		if !among(content, known) && !among(backup, known) {
			w.t.Errorf("%s: I1: %s is %s and its backup %s: the IMSI is lost", when, path, content, backup)
		}
		if backup != "" && (backup == w.life.denial || !among(backup, known)) {
			w.t.Errorf("%s: I2: the backup of %s is %s", when, path, backup)
		}
	}
	if bound := w.cell("bound"); len(bound) > 7 {
		w.t.Errorf("%s: I5: %d terminals are bound", when, len(bound)/7)
	}
}

func among(v string, list []string) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// ends lets terminal A start and checks decision and files.
func (w *world) ends(when string) {
	w.t.Helper()
	if w.happen(start(imeiA)) {
		w.t.Fatalf("%s: the card does not come back", when)
	}
	decision := binding.Decision(w.cell("decision")[0])
	if decision != w.life.last && !(w.life.last == binding.Allowed && decision == binding.AllowedBoundNow) {
		w.t.Errorf("%s: I3: terminal A: %s, want %s", when, decision, w.life.last)
	}
	want := w.imsi
	if w.life.files == binding.FilesDenial {
		want = w.life.denial
	}
	for _, path := range []string{"ADF1/6F07", "3F00/7F20/6F07"} {
		if got := fmt.Sprintf("%X", w.file(path)); got != want {
			w.t.Errorf("%s: I3: %s is %s, want %s", when, path, got, want)
		}
	}
	if w.life.files == binding.FilesDenial {
		w.forgotten(when)
	}
}

// forgotten is I11: denied, nothing of where the subscriber was and of his keys is left.
func (w *world) forgotten(when string) {
	for path, want := range map[string]string{"ADF1/6F7E": "FFFFFFFF0011000000FF01", "ADF1/6F08": "07" + strings.Repeat("FF", 32), "3F00/7F20/6F7E": ""} {
		if got := fmt.Sprintf("%X", w.file(path)); want != "" && got != want {
			w.t.Errorf("%s: I11: %s is %s", when, path, got)
		}
	}
}

// soil writes location and keys as a network would have left them.
func (w *world) soil() {
	w.t.Helper()
	for path, content := range map[string]string{"ADF1/6F7E": "112233440011001234FF00", "ADF1/6F08": "03" + strings.Repeat("AB", 32)} {
		raw, err := hex.DecodeString(content)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.card.NVM().PutNow("file/"+path, raw); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestInvariantsUnderEveryCut(t *testing.T) {
	total := 0
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			whole := begin(t, l)
			before := whole.card.NVM().Writes()
			for _, e := range l.events {
				if whole.happen(e) {
					t.Fatal("the power went by itself")
				}
				whole.soil()
			}
			writes := whole.card.NVM().Writes() - before
			whole.holds("uncut", oldOf(l), whole.imsi)
			whole.ends("uncut")
			if whole.imsi != l.imsi {
				t.Fatalf("the life ends with %s", whole.imsi)
			}
			for n := 1; n <= writes; n++ {
				for _, after := range []bool{false, true} {
					total++
					cutLife(t, l, n, after, true)
					if !l.firstInsert() { // there the next terminal would be the first
						total++
						cutLife(t, l, n, after, false)
					}
				}
			}
		})
	}
	if total < 300 {
		t.Errorf("%d cuts", total)
	}
	t.Logf("%d cuts", total)
}

func oldOf(l life) string {
	if l.image == "usim-linked" {
		return "080910100000214365"
	}
	return oldIMSI
}

func (l life) firstInsert() bool { return strings.HasPrefix(l.e0, "E003800101") }

// cutLife runs a life with one cut. The terminal whose start was cut starts again when again says so, else the next event follows; an
// issuer always tries again.
func cutLife(t *testing.T, l life, n int, after, again bool) {
	t.Helper()
	w := begin(t, l)
	w.card.NVM().CutAt(n, after)
	when := fmt.Sprintf("cut at write %d, after %v, again %v", n, after, again)
	for _, e := range l.events {
		if w.happen(e) {
			known := []string{oldOf(l), w.imsi}
			if e.issuer != "" {
				known = append(known, e.issuer)
			}
			w.holds(when, known...)
			if (again || e.issuer != "") && w.happen(e) {
				t.Fatal("cut twice")
			}
		}
		w.holds(when, oldOf(l), w.imsi)
	}
	w.card.NVM().CutAt(0, false)
	w.ends(when)
	w.holds(when+", at the end", oldOf(l), w.imsi)
}

// TestMemoryFailures: every write refuses in turn; nothing is lost, and the next start repairs.
func TestMemoryFailures(t *testing.T) {
	for _, l := range lives[2:6] {
		for n := 1; n <= 40; n++ {
			w := begin(t, l)
			w.card.NVM().FailAt(n)
			when := fmt.Sprintf("%s: write %d refused", l.name, n)
			for _, e := range l.events {
				w.happen(e)
				w.holds(when, oldOf(l), w.imsi)
			}
			w.card.NVM().FailAt(0)
			w.ends(when)
		}
	}
}
