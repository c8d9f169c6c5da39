package content_test

import (
	"bytes"
	"context"
	"math/rand"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/gp/capfile"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/content"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/trace"
	"github.com/simbind/simbind/uicc"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/standin"
)

var ctx = context.Background()

// rig is a card of an image in a reader, and a station that works on it, one run after the other.
type rig struct {
	t       *testing.T
	chip    *vuicc.Card
	reader  *mock.Reader
	service *mock.Service
	store   *personalize.Store
	keys    gp.KeySet
	now     time.Time
	notes   []string

	run     *personalize.Run
	counter *trace.Counter
}

func newRig(t *testing.T, name string, change ...func(*image.Image)) *rig {
	t.Helper()
	img, err := image.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&img)
	}
	chip, err := vuicc.New(img, vuicc.WithRand(rand.New(rand.NewSource(7))))
	if err != nil {
		t.Fatal(err)
	}
	store, err := personalize.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, chip: chip, service: mock.New(), store: store, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.keys = gp.KeySet{KVN: img.Domain.Keys[0].KVN, ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}
	r.reader = r.service.AddReader("Rig")
	r.reader.Insert(chip)
	return r
}

// with is one run: the card is connected anew, as another process would, and let go at the end.
func (r *rig) with(f mock.Faults, work func(*personalize.Run) error) error {
	r.t.Helper()
	r.reader.Insert(r.chip)
	r.reader.SetFaults(f)
	card, err := r.service.Connect(ctx, "Rig", pcsc.ConnectOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer card.Close()
	r.counter = trace.Count(card, r.clock)
	r.run = &personalize.Run{
		Card: counted{card, r.counter}, Store: r.store, AID: binding.DefaultAID,
		Secrets: func(iccid string) (keys.Card, error) { return keys.Card{ICCID: iccid, Keys: copied(r.keys)}, nil },
		Now:     r.clock, Rand: rand.New(rand.NewSource(3)), Tool: "test", Phase: r.counter.Phase,
		Note: func(s string) { r.notes = append(r.notes, s) },
	}
	defer r.run.Close()
	return work(r.run)
}

// do is a run without faults that has to succeed.
func (r *rig) do(work func(*personalize.Run) error) {
	r.t.Helper()
	if err := r.with(mock.Faults{}, work); err != nil {
		r.t.Fatal(err)
	}
}

// opened is a run inside a session with the issuer security domain; change may put something between card and run.
func (r *rig) opened(change func(*personalize.Run), work func(*content.Domain) error) {
	r.t.Helper()
	r.do(func(run *personalize.Run) error {
		change(run)
		d, err := content.Open(ctx, run, uicc.ICCID(r.iccid(run)))
		if err != nil {
			return err
		}
		defer d.Close()
		return work(d)
	})
}

func (r *rig) clock() time.Time {
	r.now = r.now.Add(time.Millisecond)
	return r.now
}

// apdus of the last run, of some phases or of all.
func (r *rig) apdus(phases ...string) int {
	n := 0
	for _, p := range r.counter.Phases() {
		if len(phases) == 0 || bytes.Contains([]byte(join(phases)), []byte("|"+p.Name+"|")) {
			n += p.APDUs
		}
	}
	return n
}

func join(phases []string) string {
	s := "|"
	for _, p := range phases {
		s += p + "|"
	}
	return s
}

// copied: a run wipes what it was given.
func copied(k gp.KeySet) gp.KeySet {
	for _, s := range []*secret.Bytes{&k.ENC, &k.MAC, &k.DEK} {
		*s = secret.New(s.Reveal())
	}
	return k
}

type counted struct {
	pcsc.Card
	c *trace.Counter
}

func (x counted) Transmit(ctx context.Context, cmd apdu.Command) (apdu.Response, error) {
	return x.c.Transmit(ctx, cmd)
}

// capOf makes the stand-in of the applet.
func capOf(t *testing.T, o standin.Options) *capfile.File {
	t.Helper()
	b, err := standin.CAP(o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := capfile.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
