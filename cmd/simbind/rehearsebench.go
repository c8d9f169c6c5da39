package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/simbind/simbind/pcsc/mock"
	"github.com/simbind/simbind/personalize"
	"github.com/simbind/simbind/personalize/batch"
	"github.com/simbind/simbind/personalize/job"
	"github.com/simbind/simbind/personalize/keys"
	"github.com/simbind/simbind/vuicc"
)

// rehearsal is a bench in memory: readers, somebody who makes a card for the next row of the job and puts it in, and terminals that good cards
// are tried in afterwards. There are never more cards than readers.
type rehearsal struct {
	a       *app
	bench   *batch.Bench
	job     *job.Job
	service *mock.Service
	report  *rehearsalReport

	mu    sync.Mutex
	slots map[string]*rehearsalSlot
	fed   int // rows
	done  int // cards
}

type rehearsalSlot struct {
	reader *mock.Reader
	card   *vuicc.Card
	row    job.Row
	imsi   string
	again  int
}

func (r *rehearsal) open(readers int) {
	r.service, r.slots, r.report.Readers = mock.New(), map[string]*rehearsalSlot{}, readers
	for n := range readers {
		name := fmt.Sprintf("Virtual reader %d", n+1)
		r.slots[name] = &rehearsalSlot{reader: r.service.AddReader(name)}
	}
}

// tell does what an event of the bench asks of the one who stands before it.
func (r *rehearsal) tell(e batch.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[e.Slot]
	if s == nil {
		return
	}
	switch {
	case e.Kind == batch.Reader && e.Step == "ready" && s.card == nil:
		r.feed(s)
	case e.Kind == batch.Done && (e.Verdict == batch.Reseat || e.Verdict == batch.Doubt) && s.again < 10:
		s.again++
		s.reader.Insert(s.card)
	case e.Kind == batch.Done:
		s.reader.Remove()
		r.finished(s, e)
		r.feed(s)
	}
}

// finished takes note of a card that the bench is done with; a good one is tried in terminals.
func (r *rehearsal) finished(s *rehearsalSlot, e batch.Event) {
	card := s.card
	s.card = nil
	if r.done++; r.done%1000 == 0 {
		r.a.say("%d of %d cards", r.done, len(r.bench.Order.ICCIDs))
	}
	short := r.a.shortICCID(s.row.ICCID)
	if e.Code == "interrupted" { // it counts as untouched
		return
	}
	if e.Verdict != batch.Good {
		r.report.fail(rehearsalFailure{ICCID: short, Line: s.row.Line, Verdict: string(e.Verdict), Code: e.Code, Reason: e.Reason})
		return
	}
	visits, err := r.visitAll(context.Background(), card, s.row.Configuration, s.imsi)
	if err != nil {
		r.report.fail(rehearsalFailure{ICCID: short, Line: s.row.Line, Verdict: "terminal", Code: classify(err).Code, Reason: err.Error()})
		return
	}
	r.report.visited(s.row.Configuration, rehearsedCard{ICCID: short, Line: s.row.Line, Visits: visits})
}

// feed makes the card of the next row and puts it in. A row that no card can be made of is told, and the next one is tried.
func (r *rehearsal) feed(s *rehearsalSlot) {
	for r.fed < len(r.bench.Order.ICCIDs) {
		iccid := r.bench.Order.ICCIDs[r.fed]
		r.fed++
		s.row, _ = r.job.Row(iccid)
		s.imsi, s.again = s.row.IMSI, 0
		if s.imsi == "" {
			s.imsi = fmt.Sprintf("00101%010d", r.fed) // test network
		}
		card, err := r.make(s)
		if err == nil {
			s.card = card
			s.reader.Insert(card)
			return
		}
		r.report.fail(rehearsalFailure{ICCID: r.a.shortICCID(iccid), Line: s.row.Line, Verdict: "keys", Code: classify(err).Code, Reason: err.Error()})
	}
}

func (r *rehearsal) make(s *rehearsalSlot) (*vuicc.Card, error) {
	k, err := r.bench.Run.Secrets(s.row.ICCID)
	if errors.Is(err, keys.ErrNoCard) {
		err = fmt.Errorf("%w: %w", personalize.ErrNoKeys, err)
	}
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	return rehearsalCard(&r.bench.Run, s.row, s.imsi, k)
}
