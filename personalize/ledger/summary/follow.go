package summary

import "github.com/simbind/simbind/personalize/ledger"

func (t *Tally) claimed(r ledger.Record) {
	c := t.cards[r.Card]
	if c == nil {
		c = &card{outcome: ledger.Untouched}
		t.cards[r.Card] = c
	}
	if c.at == nil { // also where a broken chain lacks the claim
		c.at = t.place(r)
	}
	switch r.Kind {
	case ledger.KindClaim:
		t.claim(c, r)
	case ledger.KindTakeOver:
		t.takeOver(c, r)
	case ledger.KindRelease:
		t.retries.Released++
	case ledger.KindEvent:
		t.step(c, r)
	case ledger.KindConclude:
		t.conclude(c, r)
	case ledger.KindReject:
		t.reject(c, r)
	}
}

func (t *Tally) claim(c *card, r ledger.Record) {
	if r.Replaces != "" {
		c.redone++
		if c.failed() {
			t.mended[named(c.code)]++
		}
	}
	at := r.Time.UnixMicro()
	if t.began == 0 {
		t.began = at
	}
	c.outcome, c.code, c.at, c.claimed = ledger.Underway, "", t.place(r), at
	c.attempts++
	t.runs[c.at]++
	c.took, c.apdus, c.concluded, c.ended = 0, 0, 0, 0
}

func (t *Tally) takeOver(c *card, r ledger.Record) {
	t.retries.TakenOver++
	c.at = t.place(r)
	c.attempts++
	t.runs[c.at]++
	c.steps = 0
}

func (t *Tally) step(c *card, r ledger.Record) {
	t.spent(r.Step, r.Micros, r.APDUs)
	c.steps += r.Micros
}

func (t *Tally) conclude(c *card, r ledger.Record) {
	c.outcome, c.code = known(r.Outcome), t.word(r.Code)
	c.took, c.apdus, c.concluded = r.Micros, r.APDUs, r.Time.UnixMicro()
	c.ended = c.concluded
	if r.Micros > c.steps {
		t.spent(StepOther, r.Micros-c.steps, 0)
	}
	if c.outcome == ledger.Untouched {
		t.freed(c)
	}
	if c.code != codeFound { // its steps are those of the claim that follows
		c.steps = 0
	}
	t.done(r)
}

// known takes an outcome that this tool does not write for none.
func known(o ledger.Outcome) ledger.Outcome {
	switch o {
	case ledger.Good, ledger.Rejected, ledger.Quarantined, ledger.Untouched:
		return o
	}
	return ledger.Underway
}

// freed is a card that can be claimed again.
func (t *Tally) freed(c *card) {
	if c.code == codeFound {
		c.attempts = max(0, c.attempts-1)
		t.runs[c.at] = max(0, t.runs[c.at]-1)
		return
	}
	t.again[named(c.code)]++
	t.reseats[c.at]++
	c.again++
}

func (t *Tally) reject(c *card, r ledger.Record) {
	if c.outcome == ledger.Underway {
		c.code = CodeByPerson
	}
	c.outcome, c.concluded, c.steps = ledger.Rejected, r.Time.UnixMicro(), 0
}

// done is the end of the work on a card in a reader. The time since the card before it is the person's.
func (t *Tally) done(r ledger.Record) {
	if r.Reader == "" || r.Micros <= 0 {
		return
	}
	where, end := place{station: r.Station, reader: r.Reader}, r.Time.UnixMicro()
	if before, ok := t.lastDone[where]; ok {
		t.between = append(t.between, max(0, end-r.Micros-before))
	}
	t.lastDone[where] = end
}

// series are the durations of one step.
type series struct {
	micros []int64
	total  int64
	apdus  int
}

func (t *Tally) spent(step string, micros int64, apdus int) {
	s := t.steps[step]
	if s == nil {
		s = &series{}
		t.steps[step] = s
	}
	s.micros = append(s.micros, micros)
	s.total += micros
	s.apdus += apdus
}

func (t *Tally) place(r ledger.Record) *place {
	p := place{r.Station, r.Reader, r.Operator}
	if t.places[p] == nil {
		t.places[p] = &p
	}
	return t.places[p]
}

// word keeps one copy of a text that many records carry.
func (t *Tally) word(s string) string {
	if w, ok := t.words[s]; ok {
		return w
	}
	t.words[s] = s
	return s
}

func named(code string) string {
	if code == "" {
		return CodeNone
	}
	return code
}
