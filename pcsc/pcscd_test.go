//go:build pcscd

package pcsc_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/vuicc/vpcd"
)

// chip is the smallest card: it echoes the header of a command, and remembers a mark until it is reset.
type chip struct {
	mu     sync.Mutex
	atr    []byte
	marked bool
	offs   int
}

func (c *chip) PowerOn() ([]byte, error) { return c.Reset() }

func (c *chip) Reset() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marked = false
	return c.atr, nil
}

func (c *chip) PowerOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.marked = false
	c.offs++
}

// unpowered waits until the driver told the card that its power is gone.
func (c *chip) unpowered(most time.Duration) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		offs := c.offs
		c.mu.Unlock()
		if offs > 0 {
			return true
		}
	}
	return false
}

func (c *chip) Process(cmd []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case cmd[1] == 0x20:
		c.marked = true
		return []byte{0x90, 0x00}, nil
	case c.marked:
		return append(bytes.Clone(cmd[:4]), 0x91, 0x0A), nil
	}
	return append(bytes.Clone(cmd[:4]), 0x90, 0x00), nil
}

var (
	atrT0   = []byte{0x3B, 0x02, 0x14, 0x50}
	atrBoth = withTCK(0x3B, 0x80, 0x80, 0x01)
	atrT1   = withTCK(0x3B, 0x80, 0x01)
)

func withTCK(b ...byte) []byte {
	var x byte
	for _, v := range b[1:] {
		x ^= v
	}
	return append(b, x)
}

// insert puts a chip into the reader at a port; the returned function pulls it.
func insert(t *testing.T, slot int, c *chip) (remove func()) {
	t.Helper()
	ports := strings.Fields(os.Getenv("SIMBIND_VPCD_PORTS"))
	if slot >= len(ports) {
		t.Fatalf("SIMBIND_VPCD_PORTS names %d readers: run through scripts/with-pcscd -n 4", len(ports))
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+ports[slot])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- vpcd.ServeConn(ctx, conn, c) }()
	var once sync.Once
	remove = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { // the next test begins with an empty reader
		remove()
		s, err := pcsc.New()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		await(t, s, slot, false)
	})
	return remove
}

func open(t *testing.T) pcsc.Service {
	t.Helper()
	s, err := pcsc.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// await waits until the reader in a slot has a card, or has none, and gives it.
func await(t *testing.T, s pcsc.Service, slot int, present bool) pcsc.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	list, err := s.Wait(ctx, func(rs []pcsc.Reader) bool { return slot < len(rs) && rs[slot].Present == present })
	if err != nil {
		t.Fatal(err)
	}
	return list[slot]
}

func TestPCSCDTalksToACard(t *testing.T) {
	for _, row := range []struct {
		name string
		atr  []byte
		want pcsc.Protocol
	}{{"T=0 alone", atrT0, pcsc.T0}, {"T=1 alone", atrT1, pcsc.T1}, {"both", atrBoth, pcsc.T0}} {
		t.Run(row.name, func(t *testing.T) {
			c := &chip{atr: row.atr}
			remove := insert(t, 0, c)
			s := open(t)
			r := await(t, s, 0, true)
			card, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if card.Protocol() != row.want || !bytes.Equal(card.ATR(), row.atr) {
				t.Errorf("%s, ATR %X; want %s, %X", card.Protocol(), card.ATR(), row.want, row.atr)
			}
			resp, err := card.Transmit(context.Background(), apdu.Command{CLA: 0x00, INS: 0xB0, P1: 1, P2: 2, Le: 4})
			if err != nil || !bytes.Equal(resp.Data, []byte{0x00, 0xB0, 1, 2}) || resp.SW != apdu.SWOK {
				t.Errorf("answer %X %s, %v", resp.Data, resp.SW, err)
			}
			if err := card.Close(); err != nil {
				t.Error(err)
			}
			if !c.unpowered(10 * time.Second) {
				t.Error("closing did not unpower the card")
			}
			remove()
			await(t, s, 0, false)
		})
	}
}

// TestPCSCDResetForgets: warm and cold reset both end what the card remembered.
func TestPCSCDResetForgets(t *testing.T) {
	insert(t, 0, &chip{atr: atrT0})
	s := open(t)
	r := await(t, s, 0, true)
	card, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	for _, cold := range []bool{false, true} {
		if _, err := card.Transmit(context.Background(), apdu.Command{INS: 0x20}); err != nil {
			t.Fatal(err)
		}
		if err := card.Reset(context.Background(), cold); err != nil {
			t.Fatal(err)
		}
		resp, err := card.Transmit(context.Background(), apdu.Command{INS: 0xB0, Le: 4})
		if err != nil || resp.SW != apdu.SWOK {
			t.Errorf("cold %v: %s, %v: the card remembers", cold, resp.SW, err)
		}
	}
}

// TestPCSCDBeginsAfresh: what another program left behind, still powered, is gone when we connect.
func TestPCSCDBeginsAfresh(t *testing.T) {
	insert(t, 0, &chip{atr: atrT0})
	s := open(t)
	r := await(t, s, 0, true)
	other, err := scard.EstablishContext()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Release()
	left, err := other.Connect(r.Name, scard.ShareExclusive, scard.ProtocolT0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := left.Transmit([]byte{0x00, 0x20, 0x00, 0x00}); err != nil {
		t.Fatal(err)
	}
	if err := left.Disconnect(scard.LeaveCard); err != nil {
		t.Fatal(err)
	}
	card, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	if resp, err := card.Transmit(context.Background(), apdu.Command{INS: 0xB0, Le: 4}); err != nil || resp.SW != apdu.SWOK {
		t.Errorf("the card remembers the other program: %v, %v", resp, err)
	}
}

func TestPCSCDRemovedCard(t *testing.T) {
	remove := insert(t, 0, &chip{atr: atrT0})
	s := open(t)
	r := await(t, s, 0, true)
	card, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	remove()
	await(t, s, 0, false)
	if _, err := card.Transmit(context.Background(), apdu.Command{INS: 0xB0, Le: 4}); !errors.Is(err, pcsc.ErrRemoved) {
		t.Errorf("transmit after removal: %v", err)
	}
	if err := card.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{}); !errors.Is(err, pcsc.ErrNoCard) {
		t.Errorf("connect to an empty reader: %v", err)
	}
}

// TestPCSCDHeldByAnother: an exclusive holder keeps us away, and the error names the usual ones.
func TestPCSCDHeldByAnother(t *testing.T) {
	insert(t, 0, &chip{atr: atrT0})
	first, second := open(t), open(t)
	r := await(t, first, 0, true)
	card, err := first.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = second.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
	if !errors.Is(err, pcsc.ErrInUse) || !strings.Contains(err.Error(), "scdaemon") {
		t.Errorf("second connection: %v", err)
	}
	if held := await(t, second, 0, true); !held.InUse || !held.Exclusive {
		t.Errorf("the list does not show that the card is held: %+v", held)
	}
	if err := card.Close(); err != nil {
		t.Fatal(err)
	}
	if card, err = second.Connect(context.Background(), r.Name, pcsc.ConnectOptions{}); err != nil {
		t.Fatal(err)
	}
	card.Close()
}

// TestPCSCDResetByAnother: all security state is gone, the card says so, and Reset recovers it.
func TestPCSCDResetByAnother(t *testing.T) {
	insert(t, 0, &chip{atr: atrT0})
	first, second := open(t), open(t)
	r := await(t, first, 0, true)
	shared := pcsc.ConnectOptions{Shared: true}
	card, err := first.Connect(context.Background(), r.Name, shared)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	other, err := second.Connect(context.Background(), r.Name, shared)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Reset(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := card.Transmit(context.Background(), apdu.Command{INS: 0xB0, Le: 4}); !errors.Is(err, pcsc.ErrReset) {
		t.Fatalf("transmit after another's reset: %v", err)
	}
	if err := card.Reset(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := card.Transmit(context.Background(), apdu.Command{INS: 0xB0, Le: 4}); err != nil {
		t.Errorf("after recovery: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestPCSCDWaitEndsWithItsContext(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	began := time.Now()
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := s.Wait(ctx, func([]pcsc.Reader) bool { return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the wait went on for %s", took)
	}
}

// TestPCSCDWaitSeesACardComeAndGo: a wait that began on an empty reader ends when a card is put in, and another when it is pulled.
func TestPCSCDWaitSeesACardComeAndGo(t *testing.T) {
	s := open(t)
	before := await(t, s, 0, false)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var list []pcsc.Reader
	var err error
	waiting, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(done)
		list, err = s.Wait(ctx, func(rs []pcsc.Reader) bool {
			once.Do(func() { close(waiting) })
			return len(rs) > 0 && rs[0].Present
		})
	}()
	<-waiting
	remove := insert(t, 0, &chip{atr: atrT0})
	<-done
	if err != nil || list[0].Events == before.Events || !bytes.Equal(list[0].ATR, atrT0) {
		t.Fatalf("%+v after %+v, %v", list, before, err)
	}
	remove()
	if after := await(t, s, 0, false); after.Events == list[0].Events {
		t.Errorf("a card pulled counts as no event: %+v", after)
	}
}

// TestPCSCDTransaction: while one program has begun, another waits; it goes on when the first has ended.
func TestPCSCDTransaction(t *testing.T) {
	insert(t, 0, &chip{atr: atrT0})
	first, second := open(t), open(t)
	r := await(t, first, 0, true)
	ctx, shared := context.Background(), pcsc.ConnectOptions{Shared: true}
	mine, err := first.Connect(ctx, r.Name, shared)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	others, err := second.Connect(ctx, r.Name, shared)
	if err != nil {
		t.Fatal(err)
	}
	if err := mine.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	begun := make(chan error, 1)
	go func() { begun <- others.Begin(ctx) }()
	select {
	case err := <-begun:
		t.Fatalf("two transactions at once: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := mine.Transmit(ctx, apdu.Command{INS: 0xB0, Le: 4}); err != nil {
		t.Errorf("inside the transaction: %v", err)
	}
	if err := mine.End(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-begun:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the second transaction does not begin")
	}
	if err := errors.Join(others.End(), others.Close()); err != nil {
		t.Error(err)
	}
	if err := mine.End(); err == nil {
		t.Error("a transaction ended twice")
	}
}

func TestPCSCDUnknownReader(t *testing.T) {
	s := open(t)
	if _, err := s.Connect(context.Background(), "no such reader", pcsc.ConnectOptions{}); !errors.Is(err, pcsc.ErrNoReader) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkPCSCD holds commands through pcsc.Card beside a bare loop of the binding on the same card.
func BenchmarkPCSCD(b *testing.B) {
	ports := strings.Fields(os.Getenv("SIMBIND_VPCD_PORTS"))
	if len(ports) == 0 {
		b.Fatal("run through scripts/with-pcscd")
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+ports[0])
	if err != nil {
		b.Fatal(err)
	}
	go vpcd.ServeConn(context.Background(), conn, &chip{atr: atrT1})
	s, err := pcsc.New()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	list, err := s.Wait(context.Background(), func(rs []pcsc.Reader) bool { return len(rs) > 0 && rs[0].Present })
	if err != nil {
		b.Fatal(err)
	}
	command := apdu.Command{INS: 0xB0, Le: 4}
	b.Run("bare", func(b *testing.B) {
		ctx, err := scard.EstablishContext()
		if err != nil {
			b.Fatal(err)
		}
		defer ctx.Release()
		card, err := ctx.Connect(list[0].Name, scard.ShareExclusive, scard.ProtocolT1)
		if err != nil {
			b.Fatal(err)
		}
		defer card.Disconnect(scard.LeaveCard)
		raw, _ := command.Bytes()
		for b.Loop() {
			if _, err := card.Transmit(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("simbind", func(b *testing.B) {
		card, err := s.Connect(context.Background(), list[0].Name, pcsc.ConnectOptions{})
		if err != nil {
			b.Fatal(err)
		}
		defer card.Close()
		for b.Loop() {
			if _, err := card.Transmit(context.Background(), command); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestPCSCDResetOfAnotherCard: a connection is to one card. Another that was put into the reader meanwhile is not taken for it by a reset.
func TestPCSCDResetOfAnotherCard(t *testing.T) {
	for _, cold := range []bool{false, true} {
		remove := insert(t, 0, &chip{atr: atrT0})
		s := open(t)
		r := await(t, s, 0, true)
		card, err := s.Connect(context.Background(), r.Name, pcsc.ConnectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		remove()
		await(t, s, 0, false)
		second := insert(t, 0, &chip{atr: atrT0})
		await(t, s, 0, true)
		if err := card.Reset(context.Background(), cold); !errors.Is(err, pcsc.ErrRemoved) {
			t.Errorf("cold %v: reset after the card was changed for another: %v", cold, err)
		}
		if err := card.Close(); err != nil {
			t.Error(err)
		}
		second()
		await(t, s, 0, false)
	}
}
