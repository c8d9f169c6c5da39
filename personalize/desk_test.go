package personalize_test

import (
	"context"
	"math/rand"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/uicc/cat"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// desk is a bench with one reader, one virtual card and one station's store.
type desk struct {
	t       testing.TB
	chip    *vuicc.Card
	service *mock.Service
	reader  *mock.Reader
	card    pcsc.Card
	counter *trace.Counter
	store   *personalize.Store
	run     *personalize.Run
	now     time.Time
	secrets keys.Card
	notes   []string
}

// newDesk puts a fresh card of an image into the reader.
func newDesk(t testing.TB, name string) *desk {
	t.Helper()
	img, err := image.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	chip, err := vuicc.New(img, vuicc.WithRand(rand.New(rand.NewSource(7))))
	if err != nil {
		t.Fatal(err)
	}
	store, err := personalize.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, chip: chip, service: mock.New(), store: store, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	d.secrets = keys.Card{Keys: gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}}
	d.reader = d.service.AddReader("Desk")
	d.reader.Insert(chip)
	d.connect()
	return d
}

// connect takes the card as a new process would: powered anew, nothing verified, nothing counted.
func (d *desk) connect() {
	d.t.Helper()
	card, err := d.service.Connect(context.Background(), "Desk", pcsc.ConnectOptions{})
	if err != nil {
		d.t.Fatal(err)
	}
	d.card = card
	d.counter = trace.Count(card, d.clock)
	d.run = &personalize.Run{
		Card: counted{card, d.counter}, Store: d.store, AID: binding.DefaultAID,
		Secrets: func(iccid string) (keys.Card, error) { return d.copyOfSecrets(iccid), nil },
		Now:     d.clock, Rand: rand.New(rand.NewSource(3)), Tool: "test",
		PINFloor: uicc.DefaultFloor, Note: func(s string) { d.notes = append(d.notes, s) },
	}
}

// copyOfSecrets: a run wipes what it was given.
func (d *desk) copyOfSecrets(iccid string) keys.Card {
	c := d.secrets
	c.ICCID = iccid
	for _, s := range []*secret.Bytes{&c.Keys.ENC, &c.Keys.MAC, &c.Keys.DEK, &c.PIN1, &c.ADM1} {
		*s = secret.New(s.Reveal())
	}
	return c
}

// reconnect closes the card and takes it again, as the next run does.
func (d *desk) reconnect() {
	d.t.Helper()
	d.close()
	d.reader.SetFaults(mock.Faults{})
	d.connect()
}

// reinsert puts a card that was pulled back.
func (d *desk) reinsert() {
	d.t.Helper()
	d.close()
	d.reader.SetFaults(mock.Faults{})
	d.reader.Insert(d.chip)
	d.connect()
}

func (d *desk) close() {
	d.run.Close()
	if err := d.card.Close(); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) clock() time.Time {
	d.now = d.now.Add(time.Millisecond)
	return d.now
}

func (d *desk) cost() (apdus, bytes int) {
	for _, p := range d.counter.Phases() {
		apdus += p.APDUs
		bytes += p.BytesSent + p.BytesReceived
	}
	return apdus, bytes
}

// personalize plans and applies.
func (d *desk) personalize(w func(uicc.ICCID) (personalize.Wish, error)) (personalize.Result, error) {
	plan, err := d.run.Plan(context.Background(), w)
	if err != nil {
		return personalize.Result{}, err
	}
	return d.run.Apply(context.Background(), plan)
}

func wish(c binding.Configuration) func(uicc.ICCID) (personalize.Wish, error) {
	return func(uicc.ICCID) (personalize.Wish, error) { return personalize.Wish{Configuration: c}, nil }
}

func firstInsert() func(uicc.ICCID) (personalize.Wish, error) {
	return wish(binding.DefaultConfiguration(binding.FirstInsert))
}

// boot plays a terminal's start on the card and gives what the card decided.
func (d *desk) boot(imei string) (cat.Report, binding.State) {
	d.t.Helper()
	d.reconnect()
	profile, err := cat.NamedProfile("phone")
	if err != nil {
		d.t.Fatal(err)
	}
	report, err := cat.New(d.card, d.card, cat.Config{Profile: profile, IMEI: imei, ADF: usimAID}).Boot(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	a, err := personalize.SelectApplet(context.Background(), d.card, binding.DefaultAID)
	if err != nil {
		d.t.Fatal(err)
	}
	return report, a.State
}

var usimAID = []byte{0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x07, 0x09, 0x00, 0x00}

// counted is a card whose commands are counted.
type counted struct {
	pcsc.Card
	c *trace.Counter
}

func (x counted) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	return x.c.Transmit(ctx, cmd)
}
