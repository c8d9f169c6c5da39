package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/gp"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/secret"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
)

// memory is the readers of a mock service as the bench sees them.
type memory struct{ *mock.Service }

func (m memory) Wait(ctx context.Context, ready func([]Slot) bool) ([]Slot, error) {
	var out []Slot
	_, err := m.Service.Wait(ctx, func(rs []pcsc.Reader) bool {
		out = nil
		for _, r := range rs {
			out = append(out, Slot{Name: r.Name, Label: r.Label, Present: r.Present, Events: r.Events})
		}
		return ready(out)
	})
	return out, err
}

func (m memory) Connect(ctx context.Context, s Slot) (Card, error) {
	c, err := m.Service.Connect(ctx, s.Name, pcsc.ConnectOptions{})
	if err != nil {
		return nil, &ReaderError{Busy: errors.Is(err, pcsc.ErrInUse), Err: err}
	}
	return c, nil
}

// rig is a bench in memory: readers, a pile of cards, and somebody who puts the next card in when one is done.
type rig struct {
	t       testing.TB
	timing  vuicc.Timing // of the cards
	image   string
	dir     string
	service *mock.Service
	readers map[string]*mock.Reader
	cards   []*vuicc.Card // as ordered
	bench   *Bench
	ledger  *ledger.Ledger

	mu      sync.Mutex
	pile    []mock.Chip
	in      map[string]mock.Chip
	events  []Event
	handles func(r *rig, e Event) // after every event; nil: replace
}

func iccidOf(i int) string { return fmt.Sprintf("8988211%012d", i) }
func imsiOf(i int) string  { return fmt.Sprintf("00101%010d", i) }

func newRig(t testing.TB, readers, cards int) *rig {
	t.Helper()
	return newRigWith(t, readers, cards, "usim-linked", vuicc.Timing{})
}

func newRigWith(t testing.TB, readers, cards int, image string, timing vuicc.Timing) *rig {
	t.Helper()
	r := &rig{t: t, image: image, timing: timing, dir: t.TempDir(), service: mock.New(), readers: map[string]*mock.Reader{}, in: map[string]mock.Chip{}}
	for i := range cards {
		r.cards = append(r.cards, r.card(i))
		r.pile = append(r.pile, r.cards[i])
	}
	for i := range readers {
		name := fmt.Sprintf("Slot %d", i+1)
		r.readers[name] = r.service.AddReader(name)
	}
	r.renew()
	return r
}

func (r *rig) card(i int) *vuicc.Card {
	r.t.Helper()
	img, err := image.Get(r.image)
	if err != nil {
		r.t.Fatal(err)
	}
	if img, err = img.With(iccidOf(i), imsiOf(i)); err != nil {
		r.t.Fatal(err)
	}
	c, err := vuicc.New(img, vuicc.WithTiming(r.timing))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// renew is a new run of the tool on the same station.
func (r *rig) renew() {
	r.t.Helper()
	store, err := personalize.OpenStore(filepath.Join(r.dir, "state"))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.ledger == nil {
		if r.ledger, err = ledger.Open(context.Background(), filepath.Join(r.dir, "ledger.db"), ledger.Options{}); err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { r.ledger.Close() })
	}
	r.bench = &Bench{
		Readers: func() (Readers, error) { return memory{r.service}, nil },
		Ledger:  r.ledger,
		Order:   r.order(),
		By:      ledger.Actor{Station: "desk 1", Operator: "anna", Tool: "test"},
		Run:     personalize.Run{Store: store, AID: binding.DefaultAID, Secrets: secrets, Now: time.Now, Tool: "test"},
		Limits:  Limits{Pause: time.Millisecond, Busy: 100 * time.Millisecond},
		Tell:    r.tell,
	}
}

func secrets(iccid string) (keys.Card, error) {
	return keys.Card{ICCID: iccid, Keys: gp.KeySet{ENC: gp.TestKey(), MAC: gp.TestKey(), DEK: gp.TestKey()}}, nil
}

func wrongSecrets(iccid string) (keys.Card, error) {
	k := make([]byte, 16)
	return keys.Card{ICCID: iccid, Keys: gp.KeySet{ENC: secret.New(k), MAC: secret.New(k), DEK: secret.New(k)}}, nil
}

func (r *rig) order() Order {
	j := ledger.Job{Name: "march"}
	wishes := map[string]personalize.Wish{}
	h := sha256.New()
	for i := range r.cards {
		j.ICCIDs = append(j.ICCIDs, iccidOf(i))
		h.Write([]byte(iccidOf(i)))
		wishes[iccidOf(i)] = personalize.Wish{
			Configuration: binding.DefaultConfiguration(binding.FirstInsert),
			Expected:      personalize.Expected{ICCID: iccidOf(i), IMSI: imsiOf(i)},
		}
	}
	j.Digest = hex.EncodeToString(h.Sum(nil))
	return Order{Job: j, Wish: func(iccid string) (personalize.Wish, bool) { w, ok := wishes[iccid]; return w, ok }}
}

func (r *rig) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if r.handles != nil {
		r.handles(r, e)
		return
	}
	r.replace(e)
}

// replace does what the verdict asks for: the next card, or the same again.
func (r *rig) replace(e Event) {
	switch e.Kind {
	case Done:
		switch e.Verdict {
		case Reseat, Doubt:
			r.insert(e.Slot, r.in[e.Slot])
		default:
			r.readers[e.Slot].Remove()
			r.next(e.Slot)
		}
	case Reader:
		if e.Step == "ready" && r.in[e.Slot] == nil {
			r.next(e.Slot)
		}
	}
}

func (r *rig) next(slot string) {
	if len(r.pile) == 0 {
		return
	}
	c := r.pile[0]
	r.pile = r.pile[1:]
	r.insert(slot, c)
}

func (r *rig) insert(slot string, c mock.Chip) {
	r.in[slot] = c
	r.readers[slot].Insert(c)
}

// work runs the bench; a minute is more than any of these tests needs.
func (r *rig) work() (Result, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, err := r.bench.Work(ctx)
	if ctx.Err() != nil {
		r.t.Fatalf("the batch did not end: %v, %+v", err, result)
	}
	return result, err
}

// verdicts of the cards, in the order they were told.
func (r *rig) verdicts() (out []Verdict) {
	for _, e := range r.events {
		if e.Kind == Done {
			out = append(out, e.Verdict)
		}
	}
	return out
}

// generation asks a card how often its configuration was written.
func (r *rig) generation(c *vuicc.Card) uint16 {
	r.t.Helper()
	service := mock.New()
	service.AddReader("Look").Insert(c)
	card, err := service.Connect(context.Background(), "Look", pcsc.ConnectOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer card.Close()
	a, err := personalize.SelectApplet(context.Background(), card, binding.DefaultAID)
	if err != nil {
		r.t.Fatal(err)
	}
	return a.State.Generation
}

// proven wants every card written once, and a ledger that says so.
func (r *rig) proven() {
	r.t.Helper()
	for i, c := range r.cards {
		if g := r.generation(c); g != 1 {
			r.t.Errorf("card %d was written %d times", i, g)
		}
	}
	r.counts(ledger.Counts{Ordered: len(r.cards), Good: len(r.cards)})
}

func (r *rig) counts(want ledger.Counts) {
	r.t.Helper()
	got, err := r.ledger.Counts(context.Background(), r.bench.Order.Digest)
	if err != nil || got != want {
		r.t.Errorf("counts %+v, want %+v, %v", got, want, err)
	}
	if _, err := r.ledger.Verify(context.Background()); err != nil {
		r.t.Errorf("the chain: %v", err)
	}
}

// later does something after the event in hand was handled.
func (r *rig) later(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}
