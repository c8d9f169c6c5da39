//go:build pcscd

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simbind/simbind/binding"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/ledger"
	"github.com/simbind/simbind/vuicc"
	"github.com/simbind/simbind/vuicc/image"
	"github.com/simbind/simbind/vuicc/vpcd"
)

// setting is a number of a campaign, small unless the environment says otherwise.
func setting(t testing.TB, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q", name, text)
	}
	return n
}

// campaign is a pile of virtual cards, readers of a real pcscd, and an operator who does what the tool tells.
type campaign struct {
	t     testing.TB
	dir   string
	tool  string // the program
	cards map[string]*testCard
	order []string
	hands []*hand
	rand  *rand.Rand

	hub sync.RWMutex // of the readers; written when they are unplugged

	mu       sync.Mutex
	pile     []*testCard
	good     map[string]bool
	aside    map[string]string // code
	progress int
	writes   int                                      // steps in which a card is written
	took     []float64                                // ms of every good card
	own      []float64                                // of it, not for reader and card
	trouble  func(c *campaign, h *hand, e batchEvent) // at every event; may be nil
	said     []string                                 // the last lines of the tools
}

// testCard is a virtual card in a file, with keys of its own.
type testCard struct {
	iccid, imsi, path string
	key               []byte
	kvn               byte
	chip              *vuicc.Card
}

// hand puts cards into one reader and takes them out, one after the other.
type hand struct {
	c       *campaign
	name    string // of the reader
	addr    string
	station int
	card    *testCard // told to be in it
	work    chan func()

	service pcsc.Service
	eject   func()
}

func newCampaign(t testing.TB, cards, readers, stations int) *campaign {
	t.Helper()
	return newCampaignAt(t, cards, readers, stations, vuicc.Timing{}, "usim-linked", "usim-only")
}

// newCampaignAt is a campaign of cards that take their time, of some images in turn.
func newCampaignAt(t testing.TB, cards, readers, stations int, timing vuicc.Timing, images ...string) *campaign {
	t.Helper()
	ports := strings.Fields(os.Getenv("SIMBIND_VPCD_PORTS"))
	if len(ports) < readers {
		t.Fatalf("SIMBIND_VPCD_PORTS names %d readers, %d are needed: run through scripts/with-pcscd", len(ports), readers)
	}
	seed := time.Now().UnixNano()
	t.Logf("%d cards, %d readers, %d stations, seed %d", cards, readers, stations, seed)
	c := &campaign{t: t, dir: t.TempDir(), cards: map[string]*testCard{}, rand: rand.New(rand.NewSource(seed)), good: map[string]bool{}, aside: map[string]string{}}
	c.tool = filepath.Join(c.dir, "simbind")
	if out, err := exec.Command("go", "build", "-o", c.tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for i := range cards {
		c.make(i, images[i%len(images)], timing)
	}
	c.files()
	for i := range readers {
		h := &hand{c: c, name: fmt.Sprintf("Virtual PCD %d 00 %02d", i/2, i%2), addr: "127.0.0.1:" + ports[i], station: i * stations / readers, work: make(chan func(), 1000)}
		var err error
		if h.service, err = pcsc.New(); err != nil {
			t.Fatal(err)
		}
		c.hands = append(c.hands, h)
		go h.run()
	}
	t.Cleanup(c.end)
	return c
}

func (c *campaign) make(i int, name string, timing vuicc.Timing) {
	c.t.Helper()
	card := &testCard{iccid: fmt.Sprintf("8988211%012d", i), imsi: fmt.Sprintf("00101%010d", i), kvn: 0x30}
	card.path = filepath.Join(c.dir, card.iccid+".json")
	sum := sha256.Sum256([]byte(card.iccid))
	card.key = sum[:16]
	img, err := image.Get(name)
	if err == nil {
		img, err = img.With(card.iccid, card.imsi)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	k := &img.Domain.Keys[0]
	k.ENC, k.MAC, k.DEK = card.key, card.key, card.key
	if card.chip, err = vuicc.Create(card.path, img, vuicc.WithTiming(timing)); err != nil {
		c.t.Fatal(err)
	}
	c.cards[card.iccid] = card
	c.order = append(c.order, card.iccid)
	c.pile = append(c.pile, card)
}

// files writes the job, its keys, and keys of another order.
func (c *campaign) files() {
	job, right, wrong := "iccid,imsi,scheme\n", "iccid,kvn,enc,mac\n", "iccid,kvn,enc,mac\n"
	for _, iccid := range c.order {
		x := c.cards[iccid]
		job += fmt.Sprintf("%s,%s,first-insert\n", iccid, x.imsi)
		right += fmt.Sprintf("%s,30,%X,%X\n", iccid, x.key, x.key)
		wrong += fmt.Sprintf("%s,30,%X,%X\n", iccid, make([]byte, 16), make([]byte, 16))
	}
	for name, text := range map[string]string{"job.csv": job, "right.csv": right, "wrong.csv": wrong} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (h *hand) run() {
	for do := range h.work {
		h.c.hub.RLock()
		do()
		h.c.hub.RUnlock()
	}
}

// put inserts a card. The hand's own reader must be empty.
func (h *hand) put(card *testCard) {
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.c.t.Errorf("%s: %v", h.name, err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- vpcd.ServeConn(ctx, conn, card.chip) }()
	h.eject = func() {
		cancel()
		<-done // whatever the driver said when it was cut off
	}
}

// pull takes the card out; slowly: not before PC/SC saw that it is gone.
func (h *hand) pull(slowly bool) {
	if h.eject == nil {
		return
	}
	h.eject()
	h.eject = nil
	if !slowly {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := h.service.Wait(ctx, func(rs []pcsc.Reader) bool {
		return !slices.ContainsFunc(rs, func(r pcsc.Reader) bool { return r.Name == h.name && r.Present })
	}); err != nil {
		h.c.t.Errorf("%s: the card does not go: %v", h.name, err)
	}
}

// change takes the card out and puts the next one in; c.mu is held.
func (h *hand) change(slowly bool) {
	h.card = nil
	var next *testCard
	if len(h.c.pile) > 0 {
		next, h.c.pile = h.c.pile[0], h.c.pile[1:]
		h.card = next
	}
	h.work <- func() {
		h.pull(slowly)
		if next != nil {
			h.put(next)
		}
	}
}

// again puts the same card in once more; c.mu is held.
func (h *hand) again() {
	card := h.card
	h.work <- func() {
		h.pull(true)
		h.put(card)
	}
}

// unplug pulls all readers at once, with the cards in them, and plugs them in again; c.mu is held.
func (c *campaign) unplug() {
	c.hub.Lock() // no hand is at work meanwhile
	defer c.hub.Unlock()
	if out, err := exec.Command(os.Getenv("SIMBIND_PCSCD_RESTART")).CombinedOutput(); err != nil {
		c.t.Errorf("SIMBIND_PCSCD_RESTART: %v\n%s", err, out)
	}
	for _, h := range c.hands {
		h.service.Close()
		var err error
		if h.service, err = pcsc.New(); err != nil {
			c.t.Fatalf("%s: %v", h.name, err)
		}
		if h.card != nil {
			h.again()
		}
	}
}

// fill gives every empty reader of a station a card; c.mu is held.
func (c *campaign) fill(station int) {
	for _, h := range c.hands {
		if h.card == nil && h.station == station && len(c.pile) > 0 {
			h.change(true)
		}
	}
}

// told does what the tool says.
func (c *campaign) told(station int, e batchEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.hands, func(h *hand) bool { return h.name == e.Slot && h.station == station })
	if i < 0 {
		return
	}
	h := c.hands[i]
	if e.Event == "progress" {
		c.progress++
		if e.Step == "write" {
			c.writes++
		}
	}
	if e.Event == "card" {
		c.card(h, e)
	}
	if c.trouble != nil {
		c.trouble(c, h, e)
	}
	c.fill(station)
}

func (c *campaign) card(h *hand, e batchEvent) {
	switch e.Verdict {
	case "good", "done_before":
		if e.Verdict == "good" {
			c.took, c.own = append(c.took, e.Millis), append(c.own, e.Millis-e.Card)
		}
		c.good[e.ICCID] = true
		delete(c.aside, e.ICCID)
	case "rejected", "quarantined", "failed_before":
		c.aside[e.ICCID] = e.Code
	}
	if h.card == nil {
		return
	}
	if e.ICCID != "" && e.ICCID != h.card.iccid { // it speaks of the card before: this one may have gone unseen
		h.again()
		return
	}
	card := h.card
	if !c.good[card.iccid] && c.aside[card.iccid] == "" {
		c.pile = append(c.pile, card)
	}
	h.change(true)
}

// over tells whether every card is good.
func (c *campaign) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.good) == len(c.cards)
}

// process is one run of the tool.
type process struct {
	cmd    *exec.Cmd
	result batchEvent // of its last line; empty: it was killed
	code   int
	done   chan struct{}
}

// start runs the tool for a station; every line it writes is done as it says.
func (c *campaign) start(station int, args ...string) *process {
	c.t.Helper()
	p := &process{cmd: c.command(station, append(args, "--json", "--reveal")...), done: make(chan struct{})}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	talk := &tail{}
	p.cmd.Stderr = talk
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.fill(station)
	c.mu.Unlock()
	go func() {
		defer close(p.done)
		p.read(c, station, out)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
		c.note(fmt.Sprintf("station %d ended with %d: %s", station, p.code, talk))
	}()
	return p
}

func (p *process) read(c *campaign, station int, out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e batchEvent
		if json.Unmarshal(lines.Bytes(), &e) != nil { // cut off by a kill
			continue
		}
		if e.Event == "card" || e.Event == "result" {
			c.note(lines.Text())
		}
		if e.Event == "result" {
			p.result = e
		}
		c.told(station, e)
	}
}

func (c *campaign) note(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, line)
}

// kill ends the tool as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended meanwhile
	<-p.done
}

// tail keeps the end of what the tool says.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-500):]
	return len(b), nil
}

func (t *tail) String() string { return string(t.b) }

func (c *campaign) command(station int, args ...string) *exec.Cmd {
	cmd := exec.Command(c.tool, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "SIMBIND_STATE_DIR="+filepath.Join(c.dir, fmt.Sprintf("state%d", station)),
		fmt.Sprintf("SIMBIND_STATION=desk-%d", station), "SIMBIND_OPERATOR=anna", "SIMBIND_LEDGER="+c.ledger(), "SIMBIND_READER="+c.readers(station))
	return cmd
}

// ledger is the shared database when there is one.
func (c *campaign) ledger() string {
	if where := os.Getenv("SIMBIND_CAMPAIGN_LEDGER"); where != "" {
		return where
	}
	return filepath.Join(c.dir, "ledger.db")
}

func (c *campaign) readers(station int) string {
	var names []string
	for _, h := range c.hands {
		if h.station == station {
			names = append(names, h.name)
		}
	}
	return strings.Join(names, ",")
}

// end takes all cards out.
func (c *campaign) end() {
	for _, h := range c.hands {
		done := make(chan struct{})
		h.work <- func() { h.pull(true); close(done) }
		<-done
		close(h.work)
		h.service.Close()
	}
	if c.t.Failed() {
		c.t.Logf("the last the tool said:\n%s", strings.Join(c.said[max(0, len(c.said)-60):], "\n"))
	}
}

// proven asks every card out of its file, and the ledger: written once, claimed and concluded once, no counter moved by more than one.
func (c *campaign) proven(once bool) {
	c.t.Helper()
	for _, h := range c.hands {
		done := make(chan struct{})
		h.work <- func() { h.pull(true); close(done) }
		<-done
	}
	for _, iccid := range c.order {
		c.ask(c.cards[iccid])
	}
	l, err := ledger.Open(context.Background(), c.ledger(), ledger.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer l.Close()
	c.balanced(l)
	claims, goods := map[string]int{}, map[string]int{}
	for r, err := range l.Records(context.Background(), "") {
		if err != nil {
			c.t.Fatal(err)
		}
		switch {
		case r.Kind == ledger.KindClaim:
			claims[r.Card]++
		case r.Kind == ledger.KindConclude && r.Outcome == ledger.Good:
			goods[r.Card]++
		}
	}
	for card, n := range goods {
		if n != 1 || once && claims[card] != 1 {
			c.t.Errorf("card %s: %d claims, %d times good", card[:12], claims[card], n)
		}
	}
	if len(goods) != len(c.cards) {
		c.t.Errorf("%d of %d cards are good", len(goods), len(c.cards))
	}
}

// balanced holds the counts of the job and the chain.
func (c *campaign) balanced(l *ledger.Ledger) {
	c.t.Helper()
	jobs, err := l.Jobs(context.Background())
	if err != nil || len(jobs) != 1 {
		c.t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	n, err := l.Counts(context.Background(), jobs[0].Digest)
	if want := (ledger.Counts{Ordered: len(c.cards), Good: len(c.cards)}); err != nil || n != want {
		c.t.Errorf("counts %+v, %v", n, err)
	}
	if out, err := c.command(0, "audit", "verify").CombinedOutput(); err != nil {
		c.t.Errorf("audit verify: %v\n%s", err, out)
	}
}

// ask opens a card's file anew.
func (c *campaign) ask(x *testCard) {
	c.t.Helper()
	chip, err := vuicc.Open(x.path)
	if err != nil {
		c.t.Fatal(err)
	}
	if n := chip.FailuresOf(x.kvn); n > 1 {
		c.t.Errorf("card %s: %d failed authentications", x.iccid, n)
	}
	service := mock.New()
	service.AddReader("Look").Insert(chip)
	card, err := service.Connect(context.Background(), "Look", pcsc.ConnectOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer card.Close()
	a, err := personalize.SelectApplet(context.Background(), card, binding.DefaultAID)
	if err != nil {
		c.t.Fatal(err)
	}
	if a.State.Generation != 1 || a.State.Status != binding.Armed {
		c.t.Errorf("card %s was written %d times, and is %s", x.iccid, a.State.Generation, a.State.Status)
	}
}
