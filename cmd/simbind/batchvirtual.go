package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/simbind/simbind/pcsc"
	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize/batch"
)

// virtualBench is a bench in memory: readers, a pile of virtual cards in a folder, and somebody who puts the next one in.
type virtualBench struct {
	a       *app
	service *mock.Service

	mu    sync.Mutex
	slots map[string]*virtualSlot
	pile  []string // files
}

type virtualSlot struct {
	reader *mock.Reader
	path   string
	card   *virtualCard
	again  int
}

// openVirtualBench takes every file of the folder that is a virtual card by its name (*.json, *.card), in order of the names.
func (a *app) openVirtualBench(folder string, readers int) (*virtualBench, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fileError("--reader virtual:"+folder, err)
	}
	v := &virtualBench{a: a, service: mock.New(), slots: map[string]*virtualSlot{}}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.Type().IsRegular() && (ext == ".json" || ext == ".card") {
			v.pile = append(v.pile, filepath.Join(folder, e.Name()))
		}
	}
	for n := range readers {
		name := fmt.Sprintf("Virtual reader %d", n+1)
		v.slots[name] = &virtualSlot{reader: v.service.AddReader(name)}
	}
	return v, nil
}

// shared keeps the service open when one of its users closes it.
type shared struct{ pcsc.Service }

func (shared) Close() error { return nil }

// serve does what an event of the bench asks of the one who stands before it.
func (v *virtualBench) serve(e batch.Event) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.slots[e.Slot]
	switch {
	case s == nil:
		return nil
	case e.Kind == batch.Reader && e.Step == "ready" && s.card == nil:
		return v.next(s)
	case e.Kind == batch.Done && (e.Verdict == batch.Reseat || e.Verdict == batch.Doubt) && s.again < 3:
		s.again++
		s.reader.Insert(s.card.Card)
		return nil
	case e.Kind == batch.Done:
		if err := v.out(s); err != nil {
			return err
		}
		return v.next(s)
	}
	return nil
}

func (v *virtualBench) next(s *virtualSlot) error {
	if len(v.pile) == 0 {
		return nil
	}
	s.path, v.pile, s.again = v.pile[0], v.pile[1:], 0
	var err error
	if s.card, err = v.a.openVirtualCard(s.path); err != nil {
		return err
	}
	s.reader.Insert(s.card.Card)
	return nil
}

func (v *virtualBench) out(s *virtualSlot) error {
	if s.card == nil {
		return nil
	}
	s.reader.Remove()
	card := s.card
	s.card = nil
	return card.Close()
}

// Close takes all cards out.
func (v *virtualBench) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.slots {
		if err := v.out(s); err != nil {
			return err
		}
	}
	return nil
}

// virtualFolder gives the folder of a --reader virtual:FOLDER.
func virtualFolder(reader string) (string, bool) {
	folder, ok := strings.CutPrefix(reader, "virtual:")
	return folder, ok && folder != ""
}
