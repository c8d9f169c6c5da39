package mock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/simbind/simbind/apdu"
	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
)

type chip struct {
	atr []byte
	on  bool
	n   int
}

func (c *chip) PowerOn() ([]byte, error) { c.on = true; return c.atr, nil }
func (c *chip) Reset() ([]byte, error)   { return c.atr, nil }
func (c *chip) PowerOff()                { c.on = false }
func (c *chip) Process(cmd []byte) ([]byte, error) {
	if !c.on {
		return nil, errors.New("no power")
	}
	c.n++
	return []byte{0x90, 0x00}, nil
}

func card(t *testing.T, s *mock.Service) pcsc.Card {
	t.Helper()
	c, err := s.Connect(context.Background(), "R", pcsc.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var command = apdu.Command{INS: 0xA4, P2: 0x0C, Data: []byte{0x3F, 0x00}}

func TestFaults(t *testing.T) {
	for name, row := range map[string]struct {
		faults mock.Faults
		at     int // the command that fails, from 1
		want   error
		seen   int // commands the chip saw
	}{
		"pulled before": {mock.Faults{RemoveAt: 2}, 2, pcsc.ErrRemoved, 1},
		"pulled after":  {mock.Faults{LoseAt: 2}, 2, pcsc.ErrRemoved, 2},
		"reset":         {mock.Faults{ResetAt: 3}, 3, pcsc.ErrReset, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := mock.New()
			r := s.AddReader("R")
			x := &chip{atr: []byte{0x3B, 0x00}}
			r.Insert(x)
			r.SetFaults(row.faults)
			c := card(t, s)
			for n := 1; n < row.at; n++ {
				if _, err := c.Transmit(context.Background(), command); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // and it stays so
				if _, err := c.Transmit(context.Background(), command); !errors.Is(err, row.want) {
					t.Errorf("error %v, want %v", err, row.want)
				}
			}
			if x.n != row.seen {
				t.Errorf("the card saw %d commands, want %d", x.n, row.seen)
			}
			err := c.Reset(context.Background(), false)
			if recovered := err == nil; recovered != (row.want == pcsc.ErrReset) {
				t.Errorf("reset afterwards: %v", err)
			}
		})
	}
}

func TestConnectRefusals(t *testing.T) {
	s := mock.New()
	if _, err := s.Readers(context.Background()); !errors.Is(err, pcsc.ErrNoReader) {
		t.Errorf("no reader: %v", err)
	}
	r := s.AddReader("R")
	try := func() error {
		c, err := s.Connect(context.Background(), "R", pcsc.ConnectOptions{})
		if err == nil {
			err = c.Close()
		}
		return err
	}
	if err := try(); !errors.Is(err, pcsc.ErrNoCard) {
		t.Errorf("no card: %v", err)
	}
	r.Insert(&chip{atr: []byte{0x3B, 0x00}})
	r.SetFaults(mock.Faults{Busy: 1, Mute: true})
	if err := try(); !errors.Is(err, pcsc.ErrInUse) || !strings.Contains(err.Error(), "scdaemon") {
		t.Errorf("busy: %v", err)
	}
	if err := try(); !errors.Is(err, pcsc.ErrMute) {
		t.Errorf("mute: %v", err)
	}
	r.SetFaults(mock.Faults{})
	first := card(t, s)
	if err := try(); !errors.Is(err, pcsc.ErrInUse) {
		t.Errorf("held: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := try(); err != nil {
		t.Errorf("released: %v", err)
	}
	s.RemoveReader(r)
	if err := try(); !errors.Is(err, pcsc.ErrNoReader) {
		t.Errorf("unplugged: %v", err)
	}
	s.Stop()
	if _, err := s.Readers(context.Background()); !errors.Is(err, pcsc.ErrNoService) {
		t.Errorf("stopped: %v", err)
	}
}

func TestWaitSeesCardsComeAndGo(t *testing.T) {
	s := mock.New()
	r := s.AddReader("R")
	found := make(chan pcsc.Reader)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	go func() {
		list, err := s.Wait(ctx, func(rs []pcsc.Reader) bool { return rs[0].Present })
		if err != nil {
			t.Error(err)
		}
		found <- list[0]
	}()
	r.Insert(&chip{atr: []byte{0x3B, 0x00}})
	if got := <-found; got.Events != 1 {
		t.Errorf("%+v", got)
	}
	ended, stop := context.WithCancel(context.Background())
	stop()
	if _, err := s.Wait(ended, func([]pcsc.Reader) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestLabelsOfTwins(t *testing.T) {
	s := mock.New()
	s.AddReader("R")
	s.AddReader("R")
	s.AddReader("Other")
	list, err := s.Readers(context.Background())
	if err != nil || list[0].Label != "R #0" || list[1].Label != "R #1" || list[2].Label != "Other" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestProtocolByATR(t *testing.T) {
	for atr, want := range map[string]pcsc.Protocol{"\x3B\x00": pcsc.T0, "\x3B\x80\x01\x81": pcsc.T1, "\x3B\x80\x80\x01\x01": pcsc.T0} {
		s := mock.New()
		s.AddReader("R").Insert(&chip{atr: []byte(atr)})
		if got := card(t, s).Protocol(); got != want {
			t.Errorf("%X: %s", atr, got)
		}
	}
}
